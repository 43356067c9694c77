import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { HealthChecks } from './health-checks.ts'

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

const ask = (port: number): Promise<Response> => fetch(`http://127.0.0.1:${port}/healthz`)

t.test('200 with endpoints, 503 without, refused when nobody wants it', async (t) => {
  const checks = new HealthChecks({ info: () => undefined, warn: (text) => t.fail(text) })
  t.teardown(() => {
    checks.close()
  })
  const port = await freePort()
  const one = { port, namespace: 'default', name: 'web' }
  checks.follow([{ ...one, localEndpoints: 2 }])
  const up = await ask(port)
  t.equal(up.status, 200)
  t.same(await up.json(), { service: { namespace: 'default', name: 'web' }, localEndpoints: 2 })
  checks.follow([{ ...one, localEndpoints: 0 }])
  t.equal((await ask(port)).status, 503)
  checks.follow([])
  await t.rejects(ask(port))
})

t.test('a port that somebody has is told, and tried again', async (t) => {
  const holder = createServer().listen(0)
  await once(holder, 'listening')
  const address = holder.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const said: string[] = []
  const told = new Promise<void>((resolve) => {
    const checks = new HealthChecks({
      info: () => undefined,
      warn: (text) => {
        said.push(text)
        resolve()
      },
    })
    t.teardown(() => {
      checks.close()
    })
    checks.follow([{ port, namespace: 'default', name: 'web', localEndpoints: 1 }])
  })
  await told
  t.same(said, [`default/web: healthCheckNodePort ${port} cannot be listened on`])
  holder.close()
})
