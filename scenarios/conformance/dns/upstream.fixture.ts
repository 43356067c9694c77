import type { CheckContext, Fixture, FixtureContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { backendPod } from '../support/objects.ts'

/** What is known of the world outside beside the zone below; any other name does not exist. */
export const outside = {
  /** A name with an address. */
  host: { name: 'www.example.org', address: '203.0.113.80' },
  /** An address with a name. */
  pointer: { address: '198.51.100.7', name: 'host.example.net' },
  /** A name for which it answers SERVFAIL. */
  broken: 'broken.example.org',
  /** A name, and an address, of which it knows nothing: NXDOMAIN. */
  nothing: 'nothing.example.org',
  unknownAddress: '198.51.100.8',
} as const

/** Zone of names that are drawn, and of records of many types. */
export const world = 'world.example'

/** How long the pods of the fixture may take to serve. */
const readyMs = 90_000

const controlPort = 18_053

/** What a name below `world` is answered with: by the label right before it, so that every query can be a new name. */
const records: readonly object[] = [
  { name: outside.host.name, type: 'A', data: outside.host.address },
  {
    name: `${outside.pointer.address.split('.').reverse().join('.')}.in-addr.arpa`,
    type: 'PTR',
    data: outside.pointer.name,
  },
  { name: `www.${world}`, type: 'A', data: '203.0.113.7' },
  { name: `www.${world}`, type: 'AAAA', data: '2001:db8::7' },
  { name: `www.${world}`, type: 'TXT', data: 'the world outside' },
  { name: `www.${world}`, type: 'MX', data: { preference: 10, exchange: `mail.${world}` } },
  { name: `alias.${world}`, type: 'CNAME', data: `middle.${world}` },
  { name: `middle.${world}`, type: 'CNAME', data: `www.${world}` },
  ...['fresh', 'slow', 'forged-id', 'forged-question', 'forged-port'].map((label) => ({
    name: `*.${label}.${world}`,
    type: 'A',
    ttl: 30,
    data: '203.0.113.8',
  })),
  {
    name: world,
    type: 'SOA',
    ttl: 5,
    data: {
      mname: `ns.${world}`,
      rname: `hostmaster.${world}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: 5,
    },
  },
]

/** The way out is slow, as the internet is. */
export const slowMs = 20

const rules: readonly object[] = [
  { name: outside.broken, rcode: 'SERVFAIL' },
  { name: `*.servfail.${world}`, rcode: 'SERVFAIL' },
  { name: `*.refused.${world}`, rcode: 'REFUSED' },
  { name: `*.slow.${world}`, delayMs: slowMs },
  { name: `*.forged-id.${world}`, forge: 'id' },
  { name: `*.forged-question.${world}`, forge: 'question' },
  { name: `*.forged-port.${world}`, forge: 'source-port' },
]

/**
 * Name servers of ours at the addresses that the nodes' resolv.conf names: the world outside. Only disruptive checks
 * change how they behave, and give it back.
 */
export const upstream: Fixture = {
  id: 'dns-upstream',
  manifests: ({ cluster, backendImage }) =>
    upstreamAddresses({ cluster }).map((address, index) => {
      const node = cluster.nodes.find((one) => one.address === address)?.name ?? ''
      return backendPod({
        name: `upstream-${index}`,
        image: backendImage,
        node,
        spec: { hostNetwork: true, dnsPolicy: 'Default' },
        container: {
          args: ['--dns', `${address}:53`, '--control', `${address}:${controlPort}`],
          readinessProbe: {
            httpGet: { path: '/readyz', port: controlPort, host: address },
            periodSeconds: 1,
            failureThreshold: 1,
          },
        },
      })
    }),
  ready: async (context) => {
    for (const address of upstreamAddresses(context)) {
      const { accepted, seen } = await eventually(
        () => post(context, address, '/behave', wellBehaved).catch(String),
        (said) => said === undefined,
        { withinMs: readyMs, everyMs: 200, signal: context.signal },
      )
      if (!accepted) throw new Error(`the upstream name server ${address}: ${seen}`)
    }
  },
}

type Context = Pick<FixtureContext, 'cluster' | 'nodes' | 'probe' | 'signal'>

/** In the order in which targets are told of them. */
export function upstreamAddresses({ cluster }: Pick<FixtureContext, 'cluster'>): readonly string[] {
  return cluster.topology.upstreamDns ?? []
}

const wellBehaved = { dns: { records, rules } }

export interface Misbehaviour {
  readonly rules?: readonly object[]
  readonly transports?: readonly string[]
}

/**
 * Changes how the upstream servers behave, or only the one of this index, until it is disposed. Records and rules stay;
 * new rules come first.
 */
export async function misbehaving(
  context: CheckContext,
  { rules: more = [], ...rest }: Misbehaviour,
  only?: number,
): Promise<AsyncDisposable> {
  const addresses = upstreamAddresses(context).filter((_, at) => only === undefined || at === only)
  const order = { dns: { records, rules: [...more, ...rules], ...rest } }
  // why: the check's own signal is over when what it held is undone
  const undo = { ...context, signal: AbortSignal.timeout(30_000) }
  const back = {
    [Symbol.asyncDispose]: async () => {
      for (const address of addresses) await post(undo, address, '/behave', wellBehaved)
    },
  }
  context.keep(back)
  for (const address of addresses) await post(context, address, '/behave', order)
  return back
}

/** How many queries whose name contains the text all upstream servers got. */
export async function upstreamQueries(context: Context, text: string): Promise<number> {
  let count = 0
  for (const address of upstreamAddresses(context)) {
    const path = `/seen?only=dnsQueries&last=0&contains=${encodeURIComponent(text)}`
    const seen = await control(context, address, path)
    count += (JSON.parse(seen) as { matched: { dnsQueries: number } }).matched.dnsQueries
  }
  return count
}

async function post(
  context: Context,
  address: string,
  path: string,
  body: object,
): Promise<undefined> {
  await control(context, address, path, JSON.stringify(body))
  return undefined
}

async function control(
  context: Context,
  address: string,
  path: string,
  body?: string,
): Promise<string> {
  const probe = await context.probe({ node: context.nodes[0]?.name ?? '', network: 'container' })
  const seen = await probe.run(
    {
      kind: 'http',
      url: `http://${address}:${controlPort}${path}`,
      timeoutMs: 5_000,
      ...(body !== undefined && {
        method: 'POST',
        headers: [['Content-Type', 'application/json']] as const,
        body,
      }),
    },
    context,
  )
  if (seen.kind === 'http' && seen.status < 300) return seen.body
  const said = seen.kind === 'http' ? `${seen.status} ${seen.body.slice(0, 300)}` : seen.kind
  throw new Error(`control ${path} of the upstream ${address}: ${said}`)
}

let turn = 0

/** A name below `<label>.world.example` that nobody asked for before. */
export function freshName({ seed }: Pick<CheckContext, 'seed'>, label: string = 'fresh'): string {
  turn += 1
  return `x${turn}-${seed}-${process.pid}.${label}.${world}`
}
