import { dnsTypes } from '../../../scenarios/conformance/support/dns-packets.ts'
import { eventually } from '../../../scenarios/eventually.ts'
import type { DnsProbe, DnsSending, DnsSent } from './dns-sender-main.ts'
import type { UpstreamInit } from './dns-upstream-main.ts'
import { follow, type SoakScene } from './scene.ts'
import type { Outcome, SoakFlags } from './outcome.ts'
import { watchAgent } from './vitals.ts'

/** By then all that the agent keeps of questions is full: one packet in 16 leaves a foreign name's answer. */
const warmAfter = 400_000

/** How long the target may take to know the Service. */
const convergenceMs = 30_000

/** Hostile packets to the agent's name server, from a pod; the servers that it forwards to are hostile, too. */
export async function dnsSoak(
  scene: SoakScene,
  { packets, seed }: Pick<SoakFlags, 'packets' | 'seed'>,
): Promise<Outcome> {
  const { cluster, inPod, service } = scene
  const { clusterDns, clusterDomain } = cluster.topology
  const name = `${service.name}.default.svc.${clusterDomain}`
  const pointer = `${service.clusterIp.split('.').reverse().join('.')}.in-addr.arpa`
  await startUpstreams(scene, seed)
  await known(scene, name)
  const init: DnsSending = {
    server: clusterDns,
    packets,
    seed,
    names: { service: name, pointer },
    probes: probesOf(scene, name, pointer),
  }
  const watch = await watchAgent(scene)
  const channel = await scene.program(inPod, 'dns-sender', init)
  const last = await follow<DnsSent>(channel, ({ sent }) => watch.look(sent))
  const { sent, overTcp, replies, probes, wrong, wrongCount, leftOpen } = last
  return {
    sent: `${sent} of ${packets} packets, ${overTcp} of them over TCP, and ${probes} probes`,
    seen: `${replies} replies to packets`,
    findings: [
      { name: 'all packets', seen: `${sent} sent`, ok: sent === packets },
      {
        name: 'probes',
        seen: `${probes - wrongCount} of ${probes} answered rightly${wrong.map((one) => `; ${one}`).join('')}`,
        ok: wrongCount === 0 && probes > 0,
      },
      { name: 'TCP connections left open', seen: String(leftOpen), ok: leftOpen === 0 },
      ...(await watch.judge(warmAfter)),
    ],
  }
}

/** What must stay right, by what the Kubernetes API says. */
function probesOf({ service }: SoakScene, name: string, pointer: string): readonly DnsProbe[] {
  const { A, AAAA, SRV } = dnsTypes
  const srv = JSON.stringify({ priority: 0, weight: 100, port: 80, target: name })
  const ptr = 12
  return [
    { name, type: A, rcode: 'NOERROR', answers: [service.clusterIp] },
    { name, type: AAAA, rcode: 'NOERROR', answers: [] },
    { name: `missing.${name}`, type: A, rcode: 'NXDOMAIN', answers: [] },
    { name: `_http-0._tcp.${name}`, type: SRV, rcode: 'NOERROR', answers: [srv] },
    { name: pointer, type: ptr, rcode: 'NOERROR', answers: [name] },
  ]
}

async function startUpstreams(scene: SoakScene, seed: number): Promise<void> {
  const { cluster } = scene
  for (const [index, address] of (cluster.topology.upstreamDns ?? []).entries()) {
    const node = cluster.nodes.find((one) => one.address === address)?.name ?? ''
    const init: UpstreamInit = { address, seed: seed + 1 + index }
    const channel = await scene.program({ node, network: 'host' }, 'dns-upstream', init)
    const first = await channel.messages[Symbol.asyncIterator]().next()
    if (first.done === true)
      throw new Error(`the upstream server ${address}: ${(await channel.exited).stderr}`)
  }
}

async function known(scene: SoakScene, name: string): Promise<void> {
  const { signal } = scene
  const server = { address: scene.cluster.topology.clusterDns, port: 53 }
  const probe = await scene.probe(scene.inPod)
  const { accepted, seen } = await eventually(
    () =>
      probe.run(
        { kind: 'dns', server, name, type: 'A', transport: 'udp', timeoutMs: 2_000 },
        { signal },
      ),
    (answer) => answer.kind === 'dns' && answer.answers.length > 0,
    { withinMs: convergenceMs, signal },
  )
  if (!accepted) throw new Error(`${name} is not known before the soak: ${JSON.stringify(seen)}`)
}
