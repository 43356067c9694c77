import { eventually } from '../../eventually.ts'
import type { Check, CheckContext } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { endpointOf, fixturePods, ownService } from '../l4/own-service.ts'
import { sayingPod, whatItSaid } from '../support/asking-pod.ts'
import { serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { onHost } from '../support/positions.ts'
import { onNode } from '../support/shell.ts'
import { nameHas } from '../support/steady.ts'
import { holdWithin } from './scene.ts'

/** How long the pods may take to start and to say what they have found. */
const saysMs = 90_000

/**
 * Says, as JSON, the lines of its resolv.conf and what getaddrinfo gives for each name: addresses, or the error. A failure
 * of a server is asked again for a while: the pod's own network may have come up a moment ago.
 */
const script = `
const { readFileSync, writeFileSync } = require('node:fs')
const { lookup } = require('node:dns').promises
const until = Date.now() + 5000
const ask = async (name) => {
  try {
    return (await lookup(name, { all: true, family: 4 })).map(({ address }) => address).sort().join()
  } catch ({ code }) {
    if (code === 'ENOTFOUND' || Date.now() > until) return code
    return ask(name)
  }
}
const names = process.argv.slice(1)
Promise.all(names.map(ask)).then((found) => {
  const conf = readFileSync('/etc/resolv.conf', 'utf8').split('\\n')
  writeFileSync('/dev/termination-log', JSON.stringify({ conf, found }))
})
`

interface Said {
  readonly conf: readonly string[]
  /** By the order of the names. */
  readonly found: readonly string[]
}

interface Policy {
  readonly name: string
  readonly spec: Readonly<Record<string, unknown>>
  readonly nameservers: readonly string[]
  /** What has to be in the line `search`, in this order at its begin. */
  readonly searches: readonly string[]
  /** Does its resolver give the Service for the name, the name with its namespace, and the full name? */
  readonly found: readonly string[]
}

/** The resolver that a pod gets by its dnsPolicy, and what the mesh answers it. */
export const dnsPolicies: readonly Check[] = [
  {
    requirement: 'EDGE-CLI-005',
    sends:
      'getaddrinfo for a Service by its name, with its namespace and in full, in pods of each dnsPolicy; a look at their resolv.conf',
    expects:
      "ClusterFirst and ClusterFirstWithHostNet: the cluster's DNS and search list, all three names; Default: the name servers of the node's kubelet, and what they tell the node; None: what dnsConfig says, and names by its search list",
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 240_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const { host: ip } = await ownService(context, { name: 'web', endpoints: [endpointOf(pod)] })
      const { namespace } = context
      const full = serviceName(context, 'web', namespace)
      const names = ['web', `web.${namespace}`, full]
      const judgement = new Judgement()
      const known = await holdWithin(
        context,
        [nameHas(context, onHost(context), full, [ip])],
        context.threshold('convergenceMs'),
      )
      judgement.holds('the name of the Service', 'known', known.seen, known.accepted)
      if (!known.accepted) return judgement.assessment('')
      const policies = await policiesOf(context, ip, names)
      await context.apply(
        policies.map(({ name, spec }) => sayingPod(context, name, { script, args: names }, spec)),
      )
      for (const policy of policies) judge(judgement, policy, await saidBy(context, policy.name))
      return judgement.assessment(`${policies.length} pods resolve as their dnsPolicy says`)
    },
  },
]

async function policiesOf(
  context: CheckContext,
  ip: string,
  names: readonly string[],
): Promise<readonly Policy[]> {
  const { clusterDns, clusterDomain } = context.cluster.topology
  const searches = [
    `${context.namespace}.svc.${clusterDomain}`,
    `svc.${clusterDomain}`,
    clusterDomain,
  ]
  const inCluster = { nameservers: [clusterDns], searches, found: names.map(() => ip) }
  const own = { nameservers: [clusterDns], searches: [`svc.${clusterDomain}`] }
  return [
    { name: 'cluster-first', spec: { dnsPolicy: 'ClusterFirst' }, ...inCluster },
    {
      name: 'cluster-first-on-host',
      spec: { dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true },
      ...inCluster,
    },
    { name: 'default', spec: { dnsPolicy: 'Default' }, ...(await ofTheNode(context, names)) },
    {
      name: 'none',
      spec: {
        dnsPolicy: 'None',
        dnsConfig: { ...own, options: [{ name: 'ndots', value: '2' }] },
      },
      ...own,
      found: ['ENOTFOUND', ip, ip],
    },
  ]
}

/** What the node's kubelet hands to such pods, and what that finds on the node itself: a mesh may serve the node, too. */
async function ofTheNode(
  context: CheckContext,
  names: readonly string[],
): Promise<Pick<Policy, 'nameservers' | 'searches' | 'found'>> {
  const file = await resolvConfOfKubelet(context)
  const conf = (await onNode(context, 0, `cat ${file}`)).split('\n')
  const look = (name: string): string =>
    `unshare -m sh -c 'mount --bind ${file} /etc/resolv.conf && getent ahostsv4 ${name}' | awk '{ print $1 }' | sort -u`
  const found: string[] = []
  for (const name of names)
    found.push((await onNode(context, 0, look(name))).trim().split('\n').join())
  return { nameservers: valuesOf(conf, 'nameserver'), searches: valuesOf(conf, 'search'), found }
}

/** `resolvConf` of its configuration; kubelets of provider local take the usual one. */
async function resolvConfOfKubelet({ cluster, nodes, signal }: CheckContext): Promise<string> {
  const usual = '/etc/resolv.conf'
  if (!cluster.capabilities.has('kubernetes')) return usual
  const path = `/api/v1/nodes/${nodes[0]?.name ?? ''}/proxy/configz`
  const { body } = await cluster.kube.request('GET', path, { signal })
  const { kubeletconfig } = JSON.parse(body) as {
    readonly kubeletconfig?: { readonly resolvConf?: string }
  }
  // why: a host position may have files of its own; process 1 of the node has those of its kubelet
  return `/proc/1/root${kubeletconfig?.resolvConf ?? usual}`
}

/** Words behind a keyword of resolv.conf, over all its lines. */
function valuesOf(conf: readonly string[], keyword: string): readonly string[] {
  return conf.flatMap((line) => {
    const [first, ...rest] = line.trim().split(/\s+/)
    return first === keyword ? rest : []
  })
}

async function saidBy(context: CheckContext, name: string): Promise<Said> {
  const { accepted, seen } = await eventually(
    () => whatItSaid(context, name),
    (said) => said !== undefined,
    { withinMs: saysMs, everyMs: 200, signal: context.signal },
  )
  if (!accepted || seen === undefined) throw new Error(`the pod ${name} said nothing in time`)
  return JSON.parse(seen) as Said
}

function judge(judgement: Judgement, policy: Policy, { conf, found }: Said): void {
  const { name, nameservers, searches } = policy
  judgement
    .equal(`${name}: name servers`, nameservers, valuesOf(conf, 'nameserver'))
    .equal(`${name}: search list`, searches, valuesOf(conf, 'search').slice(0, searches.length))
    .equal(`${name}: names found`, policy.found.map(outcome), found.map(outcome))
}

/** Errors have other words in other programs; that there is no address is what counts. */
function outcome(found: string): string {
  return /^[\d.,]+$/.test(found) ? found : 'no address'
}
