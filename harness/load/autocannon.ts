import autocannon from 'autocannon'
import { createHash } from 'node:crypto'
import type { LoadJob, LoadResult, LoadTarget } from '../model/load.ts'
import { measuredWindow } from './window.ts'

/**
 * Closed-loop HTTP by autocannon, for saturation only. Of what it reports we take nothing but the moments and the
 * float milliseconds of its `response` events: its own latencies are floored to milliseconds and, with a rate, wrong
 * by a factor of ten (measurement.md, finding 1). The first answer of each connection counts the connect and is
 * left out.
 */
export function autocannonLoad(
  job: LoadJob,
  target: Extract<LoadTarget, { kind: 'http' }>,
): Promise<LoadResult> {
  if (job.profile.kind !== 'closed-loop')
    throw new RangeError('profile.kind: autocannon is used for closed loops only')
  const { concurrency } = job.profile
  const window = measuredWindow(job)
  let counting = false
  let known: Buffer | undefined
  const verifyBody = (body: string | Buffer): boolean => {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    if (known?.equals(bytes) === true) return true
    if (createHash('sha256').update(bytes).digest('hex') !== target.expect.bodySha256) {
      window.foreign(`a body of ${bytes.length} bytes that is not the page`)
      return false
    }
    known = Buffer.from(bytes)
    return true
  }
  return new Promise((resolve, reject) => {
    const seen = new WeakSet<object>()
    const instance = autocannon(
      {
        url: `http://${target.host}:${target.port}${target.path}`,
        headers: { host: target.authority },
        connections: concurrency,
        pipelining: 1,
        duration: Math.ceil((job.warmupMs + job.durationMs) / 1000) + 5,
        sampleInt: 100,
        verifyBody,
      } as autocannon.Options,
      (error: unknown) => {
        if (error instanceof Error && !window.isStopped) reject(error)
      },
    )
    let timer: NodeJS.Timeout | undefined
    let over = false
    const stop = (): void => {
      over = true
      clearTimeout(timer)
      window.end()
      instance.stop()
      resolve(window.result('autocannon 9'))
    }
    instance.on('response', (client, statusCode, _bytes, responseTimeMs) => {
      const isFirst = !seen.has(client)
      seen.add(client)
      if (statusCode !== target.expect.status && statusCode < 500)
        window.foreign(`status ${statusCode}`)
      if (window.isStopped) {
        stop()
        return
      }
      if (!counting || over || isFirst) return
      window.scheduled()
      const now = performance.now()
      if (statusCode !== target.expect.status) window.failed(`status ${statusCode}`)
      else window.completed(now - responseTimeMs, now - responseTimeMs, now)
    })
    instance.on('reqError', (error: NodeJS.ErrnoException) => {
      if (counting && !over) window.failed(error.code ?? error.message)
    })
    window.inFlight = concurrency
    timer = setTimeout(() => {
      counting = true
      window.begin()
      timer = setTimeout(stop, job.durationMs)
    }, job.warmupMs)
  })
}
