import { type Check, type CheckContext, patternBytes } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { arrivals, echoOf } from '../support/http-backend.ts'
import {
  type Answer,
  askHttp,
  describeAnswer,
  getRequest,
  openHttp,
  statusOf,
} from '../support/http1.ts'
import { Judgement } from '../support/judgement.ts'
import { ports, service, type ServicePort } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { httpCheck, type HttpScene } from './http-check.ts'
import { web } from './web.fixture.ts'

const answerMs = 2_000

/** Which ports are HTTP. A Service without endpoints shows it: a proxy answers 503, everything else refuses. */
export const selection: readonly Check[] = [
  {
    requirement: 'L7-SEL-001',
    sends:
      'GETs to the ports http-0 and tcp-0 of a Service without endpoints, any bytes to a port tcp-0 of another',
    expects: '503 from the first, no HTTP from the second; the bytes come back as they were',
    fixtures: [web],
    run: async (context) => {
      const judgement = new Judgement()
      const empty = await emptyService(context, [
        { name: 'http-0', port: 80, targetPort: ports.http },
        { name: 'tcp-0', port: 81, targetPort: ports.tcp },
      ])
      const http = await untilUnavailable(context, judgement, empty, 80)
      const tcp = await askHttp(context, inPod(context), { host: empty, port: 81 }, getRequest('/'))
      judgement.holds('tcp-0', 'no HTTP response', describeAnswer(tcp), tcp.kind === 'none')
      const host = await clusterIpOf(context, context.fixture(web), 'web')
      await echoes(context, judgement, { host, port: 81, name: 'tcp-0' })
      return judgement.assessment(`http-0: ${describeAnswer(http)}; tcp-0: ${describeAnswer(tcp)}`)
    },
  },
  {
    requirement: 'L7-SEL-002',
    sends: 'a GET to a port tcp-x with appProtocol http of a Service without endpoints',
    expects: '503: it is handled as HTTP',
    run: async (context) => {
      const judgement = new Judgement()
      const empty = await emptyService(context, [
        { name: 'tcp-x', port: 80, targetPort: ports.http, appProtocol: 'http' },
      ])
      const seen = await untilUnavailable(context, judgement, empty, 80)
      return judgement.assessment(`tcp-x: ${describeAnswer(seen)}`)
    },
  },
  {
    requirement: 'L7-SEL-005',
    sends:
      'bytes of every value, and bytes that begin like HTTP, to a port named command and to one without a name',
    expects: 'they come back as they were sent',
    fixtures: [web],
    run: async (context) => {
      const judgement = new Judgement()
      const namespace = context.fixture(web)
      for (const [name, port] of [
        ['web', 82],
        ['nameless', 80],
      ] as const) {
        const host = await clusterIpOf(context, namespace, name)
        if (!(await echoes(context, judgement, { host, port, name, first: 'echo\n' }))) break
      }
      return judgement.assessment('all bytes came back')
    },
  },
  httpCheck({
    requirement: 'L7-SEL-006',
    sends:
      'a TLS ClientHello, lines of SSH and Redis, and one unfinished line to a port that is HTTP',
    expects: 'an answer, an end, or the same bytes at the backend; then a GET is answered',
    judge: async (scene) => {
      const told: string[] = []
      for (const [name, bytes] of Object.entries(notHttp(scene.word)))
        told.push(`${name}: ${await refusedOrPassed(scene, name, bytes)}`)
      const after = await scene.ask(getRequest(`/${scene.word}/after`))
      scene.judgement.holds(
        'a GET after it',
        '200',
        describeAnswer(after),
        echoOf(after) !== undefined,
      )
      return told.join('; ')
    },
  }),
]

async function emptyService(
  context: CheckContext,
  servicePorts: readonly ServicePort[],
): Promise<string> {
  await context.apply([service('empty', servicePorts, { selector: { app: 'nobody' } })])
  return clusterIpOf(context, context.namespace, 'empty')
}

/** Asks until a proxy says that nobody is there. */
export async function untilUnavailable(
  context: CheckContext,
  judgement: Judgement,
  host: string,
  port: number,
): Promise<Answer> {
  const { seen } = await eventually(
    () => askHttp(context, inPod(context), { host, port }, getRequest('/'), answerMs),
    (answer) => answer.kind === 'response' && answer.status === 503,
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  judgement.equal('without endpoints', 503, statusOf(seen))
  return seen
}

interface EchoPlace {
  readonly host: string
  readonly port: number
  readonly name: string
  /** Sent first, and not echoed. */
  readonly first?: string
}

/** @returns whether all bytes came back */
async function echoes(
  context: CheckContext,
  judgement: Judgement,
  { host, port, name, first = '' }: EchoPlace,
): Promise<boolean> {
  const every = Buffer.from(Array.from({ length: 256 }, (_, value) => value))
  const likeHttp = Buffer.from('GET / HTTP/1.1\r\nHost web\r\n\r\n\0', 'latin1')
  for (const [what, bytes] of [
    ['bytes of every value', Buffer.concat([every, Buffer.from(patternBytes(0, 4000))])],
    ['bytes that begin like HTTP', likeHttp],
  ] as const) {
    const { seen } = await eventually(
      async () => {
        const connection = await openHttp(context, inPod(context), { host, port })
        // why: the backend's tcp port speaks first, with one line
        if (first === '') await connection.until('\n')
        const greeting = connection.held.length
        await connection.send(Buffer.concat([Buffer.from(first), bytes]))
        const back = await connection.hold(greeting + bytes.length)
        await connection[Symbol.asyncDispose]()
        return back.subarray(greeting)
      },
      (back) => back.equals(bytes),
      { withinMs: context.threshold('convergenceMs'), signal: context.signal },
    )
    const isSame = seen.equals(bytes)
    judgement.holds(
      `${what} to ${name}`,
      `${bytes.length} bytes come back as they were`,
      isSame ? 'they did' : `${seen.length} bytes: ${seen.toString('latin1', 0, 60)}`,
      isSame,
    )
    if (!isSame) return false
  }
  return true
}

/** Bytes that are not HTTP; each has the word in it, so that they are found at the backend. */
function notHttp(word: string): Readonly<Record<string, string>> {
  return {
    'TLS ClientHello': `\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03${word}\x00\x00\n`.padEnd(
      69,
      'x',
    ),
    SSH: `SSH-2.0-${word}\r\n\r\n`,
    Redis: `*1\r\n$4\r\nPING\r\n${word}\r\n\r\n`,
    'an unfinished line': `hello ${word}`,
  }
}

async function refusedOrPassed(
  { context, judgement, open, word }: HttpScene,
  name: string,
  bytes: string,
): Promise<string> {
  const connection = await open()
  await connection.send(bytes)
  const answer = await connection.response('GET', context.threshold('hangMs'))
  let seen = describeAnswer(answer)
  let isFine =
    answer.kind === 'response'
      ? answer.status >= 400
      : answer.why === 'closed' || answer.why === 'reset'
  if (!isFine) {
    // why: what is handed on byte by byte shows at the backend once the line has ended
    await connection.finish()
    await connection.ending(2_000)
    const arrived = await arrivals(context, context.fixture(web), word)
    isFine = arrived.some(({ head }) => head === bytes)
    if (isFine) seen = 'passed as it is'
  }
  judgement.holds(name, '400, an end, or the same bytes at the backend', seen, isFine)
  return seen
}
