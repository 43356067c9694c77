import type { Check } from '../../../harness/api.ts'
import { describeAnswer, getRequest } from '../support/http1.ts'
import { listOf } from '../support/http1-message.ts'
import { httpCheck } from './http-check.ts'

/** Longer than a busy cluster may take to tell the agent, and shorter than agents drain. */
const slowMs = 4_000

/** A proxy that shuts down. */
export const drain: readonly Check[] = [
  httpCheck({
    requirement: 'L7-DRN-001',
    sends: `a GET that takes ${slowMs} ms, then SIGTERM to the agent of the client's node`,
    expects: 'the answer comes whole, or as 5xx, with Connection: close, and the connection ends',
    judge: async ({ context, judgement, at, open, word }) => {
      const connection = await open()
      await connection.send(getRequest(`/delay/${slowMs}?${word}`))
      // why: the request has to be under way before the agent hears of its end
      await connection.idle(300)
      await context.target.restart(at.node, 'term', context)
      const answer = await connection.response('GET', slowMs + 10_000)
      const isClean =
        answer.kind === 'response' &&
        (answer.status >= 500 || answer.body.toString() === `after ${slowMs} ms\n`)
      judgement.holds('the answer', 'whole, or 5xx', describeAnswer(answer), isClean)
      const options = answer.kind === 'response' ? listOf(answer.fields, 'connection') : []
      judgement.equal('Connection', ['close'], options)
      const ending = await connection.ending(5_000)
      judgement.holds('the connection', 'ends', ending, ending === 'end' || ending === 'reset')
      return `${describeAnswer(answer)}, Connection: ${options.join(', ')}`
    },
  }),
]
