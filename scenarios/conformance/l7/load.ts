import type { Check, CheckContext, Position } from '../../../harness/api.ts'
import { echoOf } from '../support/http-backend.ts'
import { describeAnswer, getRequest, requestBytes } from '../support/http1.ts'
import { quantile } from '../support/quantile.ts'
import { httpCheck, type HttpScene } from './http-check.ts'
import { solo } from './web.fixture.ts'

const mebibyte = 1024 * 1024

const uploadBytes = 100 * mebibyte

/** Uploads before the one that counts: a program's buffers and heap grow to their working size once. */
const warmUpBytes = 20 * mebibyte

const lookEveryMs = 100

const slowClients = 200

/** How many requests each p99 is of. */
const askedRequests = 400

/** What a slow client sends: a byte of a header each second, for longer than the others are measured. */
const dripSeconds = 60

/** What clients can make a proxy do to others; they load the machine. */
export const load: readonly Check[] = [
  httpCheck({
    requirement: 'L7-LIM-003',
    sends: `an upload of ${uploadBytes / mebibyte} MiB, after one of ${warmUpBytes / mebibyte} MiB`,
    expects:
      "it arrives whole, and the memory of the agent on the client's node hardly grows meanwhile",
    fixture: solo,
    capabilities: ['node-access'],
    timeoutMs: 180_000,
    judge: async (scene) => {
      const { context, judgement, at } = scene
      await upload(scene, warmUpBytes)
      const before = await rssOf(context, at)
      let largest = before
      let isOver = false
      const watch = async (): Promise<void> => {
        while (!isOver) {
          largest = Math.max(largest, await rssOf(context, at))
          await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
        }
      }
      const watching = watch()
      try {
        const arrived = await upload(scene, uploadBytes)
        judgement.equal('bytes at the backend', uploadBytes, arrived)
      } finally {
        isOver = true
        await watching
      }
      const growth = (largest - before) / mebibyte
      judgement.atMost('growth of the memory', context.threshold('rssGrowthMiB'), growth, 'MiB')
      return `${uploadBytes / mebibyte} MiB arrived; the memory grew by ${growth.toFixed(1)} MiB from ${(before / mebibyte).toFixed(0)} MiB`
    },
  }),
  httpCheck({
    requirement: 'L7-LIM-004',
    sends: `${slowClients} connections that send a byte of a header each second, and ${askedRequests} requests before and meanwhile`,
    expects: 'every request is answered, and the p99 less than doubles',
    timeoutMs: 180_000,
    judge: async (scene) => {
      const { context, judgement } = scene
      await p99Of(scene)
      const before = await p99Of(scene)
      const slow = await Promise.all(
        Array.from({ length: slowClients }, async () => {
          const connection = await scene.open()
          await connection.send('GET / HTTP/1.1\r\nHost: web.example\r\nX-Slow: ')
          return connection
        }),
      )
      const drips = slow.map((connection) =>
        connection
          .send(
            'x'.repeat(dripSeconds),
            Array.from({ length: dripSeconds }, () => 1),
            1000,
          )
          .catch(() => undefined),
      )
      const during = await p99Of(scene)
      await Promise.all(slow.map((connection) => connection[Symbol.asyncDispose]()))
      await Promise.all(drips)
      judgement.equal('requests that failed', [0, 0], [before.failed, during.failed])
      const ratio = during.p99Ms / before.p99Ms
      judgement.atMost('p99 meanwhile / before', context.threshold('p99Ratio'), ratio, '')
      return `p99 ${before.p99Ms.toFixed(1)} ms before, ${during.p99Ms.toFixed(1)} ms meanwhile`
    },
  }),
]

/** @returns the bytes of the body that the backend counted, or why it did not */
async function upload({ open, word }: HttpScene, bytes: number): Promise<number | string> {
  const connection = await open()
  await connection.send(
    requestBytes([`POST /${word} HTTP/1.1`, 'Host: web.example', `Content-Length: ${bytes}`]),
  )
  await connection.sendPattern(bytes)
  const answer = await connection.response('POST', 30_000)
  await connection[Symbol.asyncDispose]()
  return echoOf(answer)?.bodyBytes ?? describeAnswer(answer)
}

async function rssOf(context: CheckContext, { node }: Position): Promise<number> {
  return (await context.target.usage(node, context)).rssBytes
}

/** The 99th percentile of the time from sending a request to its answer, one after the other on one connection. */
async function p99Of({
  open,
  word,
}: HttpScene): Promise<{ readonly p99Ms: number; readonly failed: number }> {
  const connection = await open()
  const took: number[] = []
  let failed = 0
  for (let turn = 0; turn < askedRequests; turn += 1) {
    const startedAt = performance.now()
    const answer = await connection.exchange(getRequest(`/${word}`))
    took.push(performance.now() - startedAt)
    if (echoOf(answer) === undefined) failed += 1
  }
  await connection[Symbol.asyncDispose]()
  return { p99Ms: quantile(took, 0.99), failed }
}
