import type { Check, CheckContext, Observation } from '../../../harness/api.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { onHost } from '../support/positions.ts'
import { onNode } from '../support/shell.ts'
import { backends } from './backends.fixture.ts'
import { isServed } from './served.ts'

/** How long a neighbour waits for an answer that should not come, in ms. */
const silenceMs = 1_500

/** The node that is looked at, and the neighbour that looks; indices of nodes. */
const [looked, neighbour] = [1, 0] as const

/** What a node of the mesh offers to its neighbours in the LAN. */
export const exposure: readonly Check[] = [
  {
    requirement: 'SEC-EXP-001',
    sends:
      "DNS queries by UDP and TCP from a node to its neighbour's address in the LAN, for a name of the cluster and for one outside",
    expects: 'none is answered',
    capabilities: ['node-access', 'multi-node'],
    fixtures: [backends],
    run: async (context) => {
      const address = context.nodes[looked]?.address ?? ''
      const { clusterDomain, upstreamDns = [] } = context.cluster.topology
      if (upstreamDns.includes(address))
        return skipped(`a name server of the suite may answer at ${address}`)
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, looked))) return judgement.assessment('')
      const probe = await context.probe(onHost(context, neighbour))
      for (const name of [`kubernetes.default.svc.${clusterDomain}`, 'example.com'])
        for (const transport of ['udp', 'tcp'] as const) {
          const server = { address, port: 53 }
          const seen = await probe.run(
            { kind: 'dns', server, name, type: 'A', transport, timeoutMs: silenceMs },
            context,
          )
          judgement.holds(`${transport} ${name}`, 'no answer', described(seen), seen.kind !== 'dns')
        }
      return judgement.assessment(`nothing answers at ${address}:53`)
    },
  },
  {
    requirement: 'SEC-EXP-005',
    sends:
      "GET /metrics and /debug/pprof/ from a node to every TCP port that its neighbour's own address listens at",
    expects: 'none gives metrics or profiles',
    capabilities: ['node-access', 'multi-node'],
    fixtures: [backends],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, looked))) return judgement.assessment('')
      const address = context.nodes[looked]?.address ?? ''
      const ports = await openPorts(context, address)
      const probe = await context.probe(onHost(context, neighbour))
      const found: string[] = []
      for (const port of ports)
        for (const path of ['/metrics', '/debug/pprof/']) {
          const url = `http://${address}:${port}${path}`
          const seen = await probe.run({ kind: 'http', url, timeoutMs: silenceMs }, context)
          if (seen.kind === 'http' && seen.status === 200 && tells(seen.body)) found.push(url)
        }
      judgement.equal('metrics and profiles for everybody', [], found)
      return judgement.assessment(`ports open in the LAN: ${ports.join(', ') || 'none'}`)
    },
  },
  {
    requirement: 'SEC-ORL-004',
    sends:
      'a SOCKS5 greeting to every TCP port that a node listens at, from its neighbour and from itself',
    expects: 'none is answered as a SOCKS5 proxy does: it is off by default',
    capabilities: ['node-access', 'multi-node'],
    fixtures: [backends],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, looked))) return judgement.assessment('')
      const places = [
        ['from its neighbour', neighbour, context.nodes[looked]?.address ?? ''],
        ['from itself', looked, '127.0.0.1'],
      ] as const
      const told: string[] = []
      for (const [label, from, host] of places) {
        const ports = await openPorts(context, host)
        const proxies: number[] = []
        for (const port of ports)
          if (await speaksSocks(context, from, { host, port })) proxies.push(port)
        judgement.equal(`${label}: SOCKS5 proxies`, [], proxies)
        told.push(`${label}: ${ports.length} ports`)
      }
      return judgement.assessment(told.join('; '))
    },
  },
]

function described(seen: Observation): string {
  return seen.kind === 'dns' ? `${seen.rcode}, ${seen.answers.length} answers` : seen.kind
}

/** Prometheus' text format, or Go's index of profiles. */
function tells(body: string): boolean {
  return /^# (HELP|TYPE) /m.test(body) || body.includes('/debug/pprof')
}

/** TCP ports of the looked-at node that are open at this address. */
async function openPorts(context: CheckContext, address: string): Promise<readonly number[]> {
  const listed = await onNode(context, looked, 'ss -ltnH')
  const ports = listed.split('\n').flatMap((line) => {
    const [, host, port] = /^\S+\s+\S+\s+\S+\s+(\S+?)(?:%\S+)?:(\d+)\s/.exec(line) ?? []
    const isOpen = host === address || host === '0.0.0.0' || host === '*' || host === '[::]'
    return isOpen ? [Number(port)] : []
  })
  return [...new Set(ports)].sort((a, b) => a - b)
}

/** RFC 1928 section 3: version 5, one method, "no authentication"; the answer is version 5 and a method. */
async function speaksSocks(
  context: CheckContext,
  from: number,
  place: { readonly host: string; readonly port: number },
): Promise<boolean> {
  const probe = await context.probe(onHost(context, from))
  const stream = await probe.stream({ ...place, timeoutMs: silenceMs }, context)
  try {
    if (stream.opened.kind !== 'opened') return false
    const played = await stream.play(
      [
        { do: 'send', base64: Buffer.from([5, 1, 0]).toString('base64') },
        { do: 'read', until: { bytes: 2 }, withinMs: silenceMs },
      ],
      context,
    )
    const [version, method] = Buffer.from(played.base64, 'base64')
    return version === 5 && (method === 0 || method === 255)
  } finally {
    await stream[Symbol.asyncDispose]()
  }
}
