import { ports } from '../../../scenarios/conformance/support/objects.ts'
import { originals } from './hostile-http.ts'
import type { HttpSending, HttpSent } from './http-sender-main.ts'
import { examples, type Outcome, type SoakFlags } from './outcome.ts'
import { follow, type SoakScene } from './scene.ts'
import { watchAgent } from './vitals.ts'

/** By then the heap has found its size; nothing is kept of messages. */
const warmAfter = 5_000

/** Of messages in which everybody reads two requests, so many of 100 have to be seen to arrive as two. */
const leastPairs = 90

/** Of the GETs of others, so many of 100 have to follow a hostile message on its connection to the backend. */
const leastBehind = 20

/** Hostile HTTP messages through the agent's proxy; the backend is asked what it saw of them. */
export async function httpSoak(
  scene: SoakScene,
  { messages, seed }: Pick<SoakFlags, 'messages' | 'seed'>,
): Promise<Outcome> {
  const init: HttpSending = {
    host: scene.solo.clusterIp,
    port: 80,
    backend: scene.solo.podIp,
    controlPort: ports.control,
    messages,
    seed,
  }
  const watch = await watchAgent(scene)
  const channel = await scene.program(scene.inPod, 'http-sender', init)
  const last = await follow<HttpSent>(channel, ({ sent }) => watch.look(sent))
  const { sent, arrived, answers, gets, wrong, surplus, malformed } = last
  const told = Object.entries(answers).map(([status, count]) => `${count} x ${status}`)
  return {
    sent: `${sent} of ${messages} messages, out of ${originals}, and ${gets} GETs of others`,
    seen: `${arrived} requests at the backend, answers to messages: ${told.join(', ')}`,
    findings: [
      { name: 'all messages', seen: `${sent} sent`, ok: sent === messages },
      { name: 'requests that nobody sent', seen: examples(surplus), ok: surplus.count === 0 },
      {
        name: 'requests that are none at the backend',
        seen: examples(malformed),
        ok: malformed.count === 0,
      },
      {
        name: 'wrong answers to others',
        seen: `${examples(wrong)}, of ${gets}`,
        ok: wrong.count === 0 && gets === sent,
      },
      share('two requests that are two', last.pairsArrived, last.pairs, leastPairs),
      share('GETs behind a hostile message', last.behindHostile, gets, leastBehind),
      ...(await watch.judge(warmAfter)),
    ],
  }
}

/** That what is looked for could have been seen. */
function share(
  name: string,
  count: number,
  all: number,
  least: number,
): Outcome['findings'][number] {
  const percent = (100 * count) / all
  return {
    name,
    seen: `${count} of ${all} were seen, want ${least} of 100 at least`,
    ok: percent >= least,
  }
}
