import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { type Check, type CheckContext, type Fixture, patternBytes } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { duplexOf } from '../support/stream-duplex.ts'
import { sha256 } from './bodies.ts'
import { nonce } from './web.fixture.ts'

const h2Port = 8444

const streams = 100

/** How long all streams of one connection may take. */
const conversationMs = 40_000

/** One backend that speaks HTTP/2 alone, behind a port with appProtocol kubernetes.io/h2c. */
const h2Backend: Fixture = {
  id: 'l7-h2',
  manifests: ({ backendImage, nodes }) => [
    backendPod({
      name: 'h2',
      image: backendImage,
      node: nodes[1]?.name ?? nodes[0]?.name ?? '',
      args: ['--h2', String(h2Port)],
    }),
    service('h2', [{ name: 'h2', port: 80, targetPort: h2Port, appProtocol: 'kubernetes.io/h2c' }]),
  ],
}

/** HTTP/2 with prior knowledge (RFC 9113 §3.3): Node.js's own client, over a connection of the probe. */
export const h2: readonly Check[] = [
  h2Check('L7-SEL-003', 1, 'a POST of HTTP/2'),
  h2Check('L7-TRN-014', streams, `${streams} concurrent POSTs of HTTP/2 on one connection`),
]

function h2Check(requirement: string, count: number, what: string): Check {
  return {
    requirement,
    sends: `${what}, with prior knowledge, to a port with appProtocol kubernetes.io/h2c`,
    expects: 'each is answered with its own path and the SHA-256 of its own body',
    fixtures: [h2Backend],
    timeoutMs: 120_000,
    run: async (context) => {
      const judgement = new Judgement()
      const host = await clusterIpOf(context, context.fixture(h2Backend), 'h2')
      const { seen: first } = await eventually(
        () => askOnOne(context, host, 1),
        ([wrong]) => wrong === undefined,
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      judgement.equal('the first request', [], first)
      if (first.length === 0 && count > 1)
        judgement.equal(`${count} at once`, [], (await askOnOne(context, host, count)).slice(0, 5))
      return judgement.assessment(`${count} right answers on one connection`)
    },
  }
}

/** @returns what was wrong with the answers; nothing when all were right */
async function askOnOne(
  context: CheckContext,
  host: string,
  count: number,
): Promise<readonly string[]> {
  const probe = await context.probe(inPod(context))
  const stream = await probe.stream({ host, port: 80, timeoutMs: 5_000 }, context)
  const { opened } = stream
  if (opened.kind !== 'opened') {
    await stream[Symbol.asyncDispose]()
    return [`${opened.kind}: ${opened.detail}`]
  }
  const duplex = duplexOf(stream, context)
  const session = connect('http://web.example', { createConnection: () => duplex })
  session.setTimeout(conversationMs, () => session.destroy())
  session.on('error', () => undefined)
  try {
    const word = nonce()
    const asked = Array.from({ length: count }, (_, at) => ask(session, `/${word}/${at}`, at))
    const answers = await Promise.all(asked)
    return answers.filter((answer) => answer !== undefined)
  } finally {
    session.destroy()
    duplex.destroy()
    await stream[Symbol.asyncDispose]()
  }
}

/** @returns what is wrong with the answer to a POST whose body nobody else sends */
function ask(session: ClientHttp2Session, path: string, at: number): Promise<string | undefined> {
  const body = patternBytes(at * 7, 200 + at)
  const wanted = { path, bodyBytes: body.length, bodySha256: sha256(body) }
  return new Promise((resolve) => {
    const request = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
    })
    let text = ''
    request.on('data', (piece: Buffer) => {
      text += piece.toString()
    })
    request.on('error', (error: Error) => {
      resolve(`${path}: ${error.message}`)
    })
    request.on('close', () => {
      resolve(isAnswer(text, wanted) ? undefined : `${path}: ${text.slice(0, 80) || 'no answer'}`)
    })
    request.end(Buffer.from(body))
  })
}

function isAnswer(
  text: string,
  wanted: { readonly path: string; readonly bodyBytes: number; readonly bodySha256: string },
): boolean {
  try {
    const told = JSON.parse(text) as Partial<typeof wanted>
    return (
      told.path === wanted.path &&
      told.bodyBytes === wanted.bodyBytes &&
      told.bodySha256 === wanted.bodySha256
    )
  } catch {
    return false
  }
}
