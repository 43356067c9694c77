/** HTTP/2 with prior knowledge, spoken by Node.js's own client. */
import { createHash } from 'node:crypto'
import { connect } from 'node:http2'
import t from 'tap'
import { start } from './testing/start.ts'

t.test('h2 tells path and body of each of many streams', async (t) => {
  const { ports } = await start(t, ['h2'])
  const session = connect(`http://127.0.0.1:${String(ports['h2'])}`)
  t.teardown(() => {
    session.destroy()
  })
  const answers = await Promise.all(
    ['/a', '/b?c'].map(async (path) => {
      const request = session.request({ ':method': 'POST', ':path': path })
      request.end(`body of ${path}`)
      let text = ''
      for await (const piece of request) text += String(piece)
      return JSON.parse(text) as unknown
    }),
  )
  t.same(
    answers,
    ['/a', '/b?c'].map((path) => ({
      pod: 'pod-1',
      path,
      bodyBytes: `body of ${path}`.length,
      bodySha256: createHash('sha256').update(`body of ${path}`).digest('hex'),
    })),
  )
})
