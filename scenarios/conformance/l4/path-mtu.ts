import type { Check, CheckContext } from '../../../harness/api.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod } from '../support/objects.ts'
import { inPod, onHost } from '../support/positions.ts'
import { openStream, patternSha256, sendText } from '../support/streams.ts'
import { answeredBy } from './follow.ts'
import { ownPods } from './own-pods.ts'
import { endpointOf, ownService } from './own-service.ts'
import { commandPort, greetingPort } from './streams.ts'

const narrowMtu = 1280

const [writeBytes, writes] = [65_536, 16]

/** A path that is narrower than both of its ends: its router says so by ICMP, which has to get back to the client. */
export const pathMtu: readonly Check[] = [
  {
    requirement: 'L4-MTU-001',
    sends: `${writes} writes of 64 KiB to a backend behind a route with an MTU of ${narrowMtu}`,
    expects: 'every byte comes back',
    capabilities: ['node-access'],
    timeoutMs: 180_000,
    run: async (context) => {
      const node = context.nodes[1]?.name ?? ''
      const [pod] = await ownPods(context, [
        backendPod({ name: 'narrow', image: context.backendImage, node }),
      ])
      if (pod === undefined) throw new Error('want a pod')
      const own = await ownService(context, { endpoints: [endpointOf(pod)] })
      const judgement = new Judgement()
      const at = inPod(context)
      const front = { at, host: own.host, port: greetingPort }
      const known = await answeredBy(context, judgement, 'before', front, [pod.name])
      if (!known.ok) return judgement.assessment('')
      await narrow(context, pod.ip)
      const to = { host: own.host, port: commandPort }
      const stream = await openStream(context, judgement, at, to)
      if (stream === undefined) return judgement.assessment('')
      const bytes = writeBytes * writes
      const played = await stream.play(
        [
          sendText('echo\n'),
          { do: 'send-pattern', bytes, withinMs: 30_000 },
          // why: no FIN before all is back; half-closed connections are for L4-STR-001
          { do: 'read', until: { bytes }, withinMs: 30_000 },
        ],
        context,
      )
      judgement.equal('bytes', bytes, played.bytes)
      judgement.equal('sha256', patternSha256(bytes), played.sha256)
      return judgement.assessment(
        `${writes} x 64 KiB there and back in ${Math.round(played.durationMs)} ms`,
      )
    },
  },
]

/**
 * Narrows the last step to a pod of the check's own, on its node; the route goes with the pod.
 * @throws Error when the node does not let it
 */
async function narrow(context: CheckContext, podIp: string): Promise<void> {
  const script = `set -e
route=$(ip -4 route show ${podIp}/32)
[ -n "$route" ] || route="${podIp} $(ip -4 route get ${podIp} | grep -o 'dev [^ ]*')"
ip -4 route replace $route mtu ${narrowMtu}
ip -4 route show ${podIp}/32`
  const probe = await context.probe(onHost(context, 1))
  const seen = await probe.run(
    { kind: 'command', argv: ['bash', '-c', script], timeoutMs: 10_000 },
    context,
  )
  if (seen.kind !== 'exited' || seen.code !== 0 || !seen.stdout.includes(`mtu ${narrowMtu}`))
    throw new Error(`no narrow route to ${podIp}: ${JSON.stringify(seen)}`)
}
