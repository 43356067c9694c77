import type { Check, CheckContext, Fixture, Position } from '../../../harness/api.ts'
import { type Arrived, arrivals } from '../support/http-backend.ts'
import { type Answer, askHttp, type Http1Connection, openHttp } from '../support/http1.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { httpPort, isServed, nonce, type Place, web } from './web.fixture.ts'

/** What a check of the port `http-0` works with. */
export interface HttpScene {
  readonly context: CheckContext
  readonly judgement: Judgement
  readonly at: Position
  readonly place: Place
  /** A word that only this turn of this check sends. */
  readonly word: string
  readonly open: () => Promise<Http1Connection>
  /** One request on a connection of its own. */
  readonly ask: (bytes: string | Uint8Array, withinMs?: number) => Promise<Answer>
  /** What reached the backends and has this text in it. */
  readonly arrived: (text: string) => Promise<readonly Arrived[]>
}

export interface HttpCheck extends Omit<Check, 'run' | 'fixtures'> {
  /** `web` unless told. */
  readonly fixture?: Fixture
  /** Compares; returns in one line what was seen. */
  readonly judge: (scene: HttpScene) => Promise<string>
}

/** Raw bytes take many turns between check and probe, which a busy machine makes slow. */
const usualTimeoutMs = 180_000

/** A check that looks at the port `http-0` of a Service from a pod; it judges nothing before a plain GET is answered. */
export function httpCheck({ fixture = web, judge, ...check }: HttpCheck): Check {
  return {
    timeoutMs: usualTimeoutMs,
    ...check,
    fixtures: [fixture],
    run: async (context) => {
      const judgement = new Judgement()
      const place = await httpPort(context, fixture)
      const at = inPod(context)
      if (!(await isServed(context, judgement, place))) return judgement.assessment('')
      const seen = await judge({
        context,
        judgement,
        at,
        place,
        word: nonce(),
        open: () => openHttp(context, at, place),
        ask: (bytes, withinMs) => askHttp(context, at, place, bytes, withinMs),
        arrived: (text) => arrivals(context, context.fixture(fixture), text),
      })
      return judgement.assessment(seen)
    },
  }
}
