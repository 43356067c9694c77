import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { podOf } from '../support/connect.ts'
import { bySource } from '../support/destination-rules.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { names, rules } from '../support/rules.fixture.ts'
import { sourceAddresses } from '../support/source-addresses.ts'
import {
  ask,
  describeAnswers,
  followsStill,
  type Front,
  look,
  ruledService,
  type Way,
  ways,
} from '../support/balance.ts'

/** Connections from one address. */
const fromOne = 50

/** Clients led by the hash of their address. */
export const sourceHash: readonly Check[] = [
  {
    requirement: 'LB-CH-008',
    sends: `${fromOne} connections to tcp-0, and ${fromOne} requests, a connection each, to http-0, from one pod`,
    expects: 'one backend answers all of a port',
    fixtures: [rules],
    run: async (context) => {
      const judgement = new Judgement()
      const front = await hashedBySource(context, judgement)
      const told: string[] = []
      for (const way of ways) {
        if (!(await sticks(context, judgement, front, way))) break
        const seen = await ask(context, front, way, { connections: fromOne, concurrency: 4 })
        judgement.equal(`${way}: failures`, {}, seen.failures)
        judgement.equal(`${way}: backends`, 1, new Set(seen.order).size)
        told.push(`${way}: ${describeAnswers(seen)}`)
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'LB-CH-009',
    sends: 'a connection to tcp-0, and a request to http-0, from each of 64 source addresses',
    expects: 'each of the three backends answers some of a port; one address has one backend',
    capabilities: ['node-access'],
    fixtures: [rules],
    run: async (context) => {
      const judgement = new Judgement()
      const at = onHost(context)
      const front = { ...(await hashedBySource(context, judgement)), at }
      const localAddresses = await sourceAddresses(context, 0, 64)
      const told: string[] = []
      for (const way of ways) {
        if (!(await sticks(context, judgement, front, way))) break
        const all = { connections: 64, concurrency: 8, localAddresses }
        const seen = await ask(context, front, way, all)
        judgement.equal(`${way}: failures`, {}, seen.failures)
        judgement.set(`${way}: who answers`, names(3), new Set(seen.order))
        const again = await ask(context, front, way, all)
        judgement.equal(`${way}: the same backends again`, seen.order, again.order)
        told.push(`${way}: ${describeAnswers(seen)}`)
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'LB-CH-011',
    sends:
      '50 datagrams, from a socket each, to the UDP port of a Service balanced by source address',
    expects: 'each is answered, and connections to the same Service still are',
    fixtures: [rules],
    run: async (context) => {
      const judgement = new Judgement()
      const front = await hashedBySource(context, judgement)
      // why: the rule has been read; whether connections follow it is for LB-CH-008
      if (!(await followsStill(context, judgement, 'a good rule made later')))
        return judgement.assessment('')
      const probe = await context.probe(front.at)
      const datagram = async (): Promise<string> => {
        const { host } = front
        const seen = await probe.run(
          { kind: 'udp', host, port: 83, send: 'who', timeoutMs: 3_000 },
          context,
        )
        return seen.kind === 'udp' ? podOf(seen.received) : seen.kind
      }
      const known = (pod: string): boolean => names(3).includes(pod)
      await eventually(datagram, known, {
        withinMs: context.threshold('convergenceMs'),
        signal: context.signal,
      })
      const pods = await Promise.all(Array.from({ length: fromOne }, datagram))
      judgement.equal(
        'datagrams without an answer',
        [],
        pods.filter((pod) => !known(pod)),
      )
      const after = await ask(context, front, 'tcp', { connections: 5 })
      judgement.equal('connections afterwards: failures', {}, after.failures)
      return judgement.assessment(`${pods.length} answers of ${[...new Set(pods)].join(', ')}`)
    },
  },
]

/** A Service of the check's own with useSourceIp. */
async function hashedBySource(context: CheckContext, judgement: Judgement): Promise<Front> {
  const { host } = await ruledService(context, judgement, bySource)
  return { at: inPod(context), host }
}

/** Waits until one backend answers this client alone, and judges that. */
async function sticks(
  context: CheckContext,
  judgement: Judgement,
  front: Front,
  way: Way,
): Promise<boolean> {
  const { accepted, seen } = await eventually(
    () => ask(context, front, way, { ...look, connections: 20 }),
    ({ order, failures }) => Object.keys(failures).length === 0 && new Set(order).size === 1,
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  judgement.holds(`${way}: one address`, 'one backend', describeAnswers(seen), accepted)
  return accepted
}
