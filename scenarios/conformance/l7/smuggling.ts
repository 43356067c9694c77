import type { Check } from '../../../harness/api.ts'
import { type Arrived, echoOf } from '../support/http-backend.ts'
import { type Answer, describeAnswer, getRequest } from '../support/http1.ts'
import { httpCheck, type HttpScene } from './http-check.ts'
import { foreign, type SmugglingCase, smugglingCorpus } from './smuggling.corpus.ts'
import { solo } from './web.fixture.ts'

/** A refusal comes at once; who waits for more bytes has read the message in a wrong way. */
const answerMs = 3_000

/** How long a connection may stay open that has to end. */
const closingMs = 3_000

const rows = [...new Set(smugglingCorpus.map(({ row }) => row))]

/** Messages that are ambiguous are refused, or made unambiguous; there is one backend, whose connections are shared. */
export const smuggling: readonly Check[] = [
  ...rows.map((row) => {
    const cases = smugglingCorpus.filter((one) => one.row === row)
    return httpCheck({
      requirement: row,
      sends: `${cases.length} messages, one connection each: ${cases.map(({ name }) => name).join('; ')}`,
      expects:
        'a refusal, and nothing at the backend; or, where the row allows it, one unambiguous request there',
      fixture: solo,
      judge: async (scene) => {
        const told: string[] = []
        for (const one of cases) {
          const seen = await played(scene, one)
          const fault = faultOf(one, seen)
          const observed = fault === undefined ? describe(seen) : `${describe(seen)}: ${fault}`
          scene.judgement.holds(one.name, wanted(one), observed, fault === undefined)
          told.push(`${one.name}: ${describe(seen)}`)
        }
        return told.join('; ')
      },
    })
  }),
  httpCheck({
    requirement: 'L7-SMG-010',
    sends: `the ${smugglingCorpus.length} messages of the corpus, each followed by a plain GET of somebody else`,
    expects:
      'backends see no more requests than messages were sent, and every GET gets its own answer',
    fixture: solo,
    judge: async (scene) => {
      const { context, judgement } = scene
      let surplus = 0
      const strangers: string[] = []
      const wrong: string[] = []
      for (const one of smugglingCorpus) {
        const { arrived, after, word } = await played(scene, one)
        surplus += Math.max(0, arrived.length - 1)
        strangers.push(
          ...arrived.map(({ requestLine }) => requestLine).filter((line) => line.includes(foreign)),
        )
        if (echoOf(after)?.requestLine !== afterLine(word))
          wrong.push(`${one.name}: ${describeAnswer(after)}`)
      }
      judgement.atMost('surplus requests', context.threshold('surplusRequests'), surplus, '')
      judgement.equal('requests that nobody sent', [], strangers)
      judgement.equal('wrong answers to others', [], wrong)
      return `${smugglingCorpus.length} messages, no request more at the backend`
    },
  }),
]

/** Plays of one case that say nothing until the last of them is judged all the same. */
const mostPlays = 4

interface Seen {
  readonly word: string
  readonly answer: Answer
  /** How the connection stood at the end. */
  readonly ending: string
  /** What reached the backend because of it. */
  readonly arrived: readonly Arrived[]
  /** What another client got right afterwards. */
  readonly after: Answer
}

/**
 * A 502 while nothing reached the backend tells of a kept connection that the backend closed in that moment, as it does
 * after malformed requests (RFC 9112 section 9.5); it says nothing of this case, so the case is played again.
 */
async function played(scene: HttpScene, one: SmugglingCase): Promise<Seen> {
  for (let attempt = 1; ; attempt += 1) {
    const seen = await play(scene, one)
    const { answer, arrived } = seen
    const saysNothing = answer.kind === 'response' && answer.status === 502 && arrived.length === 0
    if (!saysNothing || attempt === mostPlays) return seen
  }
}

async function play(scene: HttpScene, one: SmugglingCase): Promise<Seen> {
  const word = `${scene.word}x${smugglingCorpus.indexOf(one)}x`
  const connection = await scene.open()
  for (const piece of one.bytes(word)) await connection.send(piece)
  const answer = await connection.response('POST', answerMs)
  const ending = one.closes === true ? await connection.ending(closingMs) : connection.state
  const after = await scene.ask(afterRequest(word))
  const arrived = (await scene.arrived(word)).filter(
    ({ requestLine }) => !requestLine.includes('/after/'),
  )
  await connection[Symbol.asyncDispose]()
  return { word, answer, ending, arrived, after }
}

function afterRequest(word: string): string {
  return getRequest(`/after/${word}`)
}

function afterLine(word: string): string {
  return `GET /after/${word} HTTP/1.1`
}

/** Why what was seen is not what the case asks for. */
function faultOf(
  one: SmugglingCase,
  { answer, ending, arrived, after, word }: Seen,
): string | undefined {
  if (arrived.some(({ requestLine }) => requestLine.includes(foreign)))
    return 'a request reached the backend that nobody sent'
  if (arrived.length > 1) return `${arrived.length} requests reached the backend`
  if (echoOf(after)?.requestLine !== afterLine(word))
    return `another client got ${describeAnswer(after)}`
  const [request] = arrived
  if (request === undefined || one.passes === 'part') {
    if (request?.complete === true) return 'the backend took it for complete'
    if (request?.malformed !== undefined) return `the backend found: ${request.malformed}`
    return isRefused(one, answer) ? undefined : 'it was not refused'
  }
  if (one.passes === undefined) return 'it reached the backend'
  if (request.malformed !== undefined) return `the backend found: ${request.malformed}`
  if (one.closes === true && ending === 'open') return 'the connection stays open'
  return one.wrong?.(request)
}

function isRefused({ refusals, passes }: SmugglingCase, answer: Answer): boolean {
  if (answer.kind === 'response') return refusals.includes(answer.status)
  return passes === 'part' && (answer.why === 'closed' || answer.why === 'reset')
}

function wanted({ refusals, passes }: SmugglingCase): string {
  const more = {
    part: ' or a closed connection',
    one: ', or one unambiguous request at the backend',
  }
  return `${refusals.join(' or ')}${passes === undefined ? '' : more[passes]}`
}

function describe({ answer, arrived }: Seen): string {
  return `${describeAnswer(answer)}, ${arrived.length} at the backend`
}
