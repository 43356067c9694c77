import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

/*
 * Starts a k6 that was told to wait (--paused), by its own API: `node k6-start-main.js http://127.0.0.1:6565`. It says
 * `"ready"` when that k6 waits, starts it when a line comes on stdin, and says `"started"`. It ends with its stdin.
 * Several of these, given their line at once, start several k6 at once (grafana.com/docs/k6, k6 REST API).
 */

/** What k6 calls "paused before run": everything is set up, and nothing was sent (lib.ExecutionStatus). */
const waiting = 4

/** How long k6 may take to be there, and to set itself up. */
const readyMs = 60_000

const lookEveryMs = 50

interface Answer {
  readonly data?: { readonly attributes?: { readonly status?: number; readonly paused?: boolean } }
}

async function status(url: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(`${url}/v1/status`, init)
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Answer
}

async function untilItWaits(url: string): Promise<void> {
  const deadline = performance.now() + readyMs
  for (;;) {
    const said = await status(url).catch((error: unknown) => String(error))
    if (typeof said !== 'string' && said.data?.attributes?.status === waiting) return
    if (performance.now() > deadline)
      throw new Error(`k6 at ${url} was not ready after ${readyMs} ms: ${JSON.stringify(said)}`)
    await delay(lookEveryMs)
  }
}

const [, , url = ''] = process.argv
const lines = createInterface({ input: process.stdin })
await untilItWaits(url)
process.stdout.write('"ready"\n')
for await (const _line of lines) {
  const data = { type: 'status', id: 'default', attributes: { paused: false } }
  await status(url, { method: 'PATCH', body: JSON.stringify({ data }) })
  process.stdout.write('"started"\n')
}
process.exit(0)
