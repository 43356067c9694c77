import { strict as assert } from 'node:assert'
import { Agent, request } from 'node:http'
import t from 'tap'
import type { BalancePolicy } from '../../kube/snapshot.ts'
import { eventually } from '../../testing/eventually.ts'
import {
  type ProxyFixture,
  proxyFixture,
  type ScriptedBackend,
  scriptedBackend,
} from '../testing/http-fixture.ts'

const answerOf = (name: string): string =>
  `HTTP/1.1 200 OK\r\nX-Backend: ${name}\r\nContent-Length: 2\r\n\r\nhi`

interface Farm extends AsyncDisposable {
  readonly fixture: ProxyFixture
  readonly backends: readonly ScriptedBackend[]
  readonly ask: (ask?: Ask) => Promise<Answered>
}

interface Ask {
  readonly path?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly from?: string
  /** Requests with the same agent share a connection. */
  readonly agent?: Agent
}

interface Answered {
  readonly backend: string
  readonly cookies: readonly string[]
  readonly body: string
}

/** @param delayMs - how long each backend takes for an answer */
async function farm(
  policy: BalancePolicy,
  { count = 5, delayMs = () => 0 }: { count?: number; delayMs?: (i: number) => number } = {},
): Promise<Farm> {
  const backends: ScriptedBackend[] = []
  for (let i = 0; i < count; i += 1)
    backends.push(
      await scriptedBackend((socket) => {
        if (delayMs(i) === 0) socket.write(answerOf(String(i)))
        else setTimeout(() => socket.write(answerOf(String(i))), delayMs(i))
      }),
    )
  const fixture = await proxyFixture()
  fixture.serve(backends, { policy })
  return {
    fixture,
    backends,
    ask: async ({ path = '/', fields = {}, from = '127.0.0.1', agent } = {}) =>
      await new Promise<Answered>((resolve, reject) => {
        const call = request(
          {
            host: '127.0.0.1',
            port: fixture.port,
            path,
            headers: fields,
            localAddress: from,
            agent: agent ?? new Agent({ keepAlive: false }),
          },
          (answer) => {
            let body = ''
            answer.setEncoding('utf8').on('data', (part: string) => (body += part))
            answer.once('end', () =>
              resolve({
                backend: String(answer.headers['x-backend']),
                cookies: answer.headers['set-cookie'] ?? [],
                body,
              }),
            )
          },
        )
        call.once('error', reject)
        call.end()
      }),
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]()
      for (const backend of backends) await backend[Symbol.asyncDispose]()
    },
  }
}

/** Runs `ask` one after the other. */
async function each<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await ask(item))
  return results
}

const times = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)
const byUser = { kind: 'header', name: 'x-user' } as const

t.test(
  'the same header value, 100 connections: one backend, whatever the case of the name',
  async (t) => {
    await using one = await farm(byUser)
    const seen = await each(times(100), async (i) => {
      const name = ['X-User', 'x-user', 'X-USER'][i % 3] as string
      return (await one.ask({ fields: { [name]: 'anna' } })).backend
    })
    t.equal(new Set(seen).size, 1)
  },
)

t.test('a thousand values reach every backend, none much above its share', async (t) => {
  await using one = await farm(byUser)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const tally = [0, 0, 0, 0, 0]
  for (const i of times(1000)) {
    const { backend } = await one.ask({ fields: { 'x-user': `user-${i}` }, agent })
    tally[Number(backend)] = (tally[Number(backend)] ?? 0) + 1
  }
  agent.destroy()
  t.ok(Math.min(...tally) > 0, tally.join())
  t.ok(Math.max(...tally) <= 200 * 1.35, tally.join())
})

t.test('each request of a keep-alive connection goes by its own value', async (t) => {
  await using one = await farm(byUser)
  const users = times(12).map((i) => `user-${i}`)
  const alone = await each(
    users,
    async (user) => (await one.ask({ fields: { 'x-user': user } })).backend,
  )
  t.ok(new Set(alone).size > 1, alone.join())
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (const [i, user] of [...users, ...users].entries()) {
    const { backend } = await one.ask({ fields: { 'x-user': user }, agent })
    t.equal(backend, alone[i % users.length], user)
  }
  agent.destroy()
})

t.test('without the header the source address decides, over many connections', async (t) => {
  await using one = await farm(byUser)
  const seen = await each(times(30), async () => (await one.ask()).backend)
  const empty = await each(
    times(5),
    async () => (await one.ask({ fields: { 'x-user': '' } })).backend,
  )
  t.equal(new Set([...seen, ...empty]).size, 1)
  const addresses = times(32).map((i) => `127.0.1.${i + 1}`)
  const spread = await each(addresses, async (from) => (await one.ask({ from })).backend)
  t.ok(new Set(spread).size > 2, spread.join())
})

t.test('one source address stays with one backend; many reach all', async (t) => {
  await using one = await farm({ kind: 'source-address' }, { count: 3 })
  t.equal(new Set(await each(times(50), async () => (await one.ask()).backend)).size, 1)
  const addresses = times(64).map((i) => `127.0.1.${i + 1}`)
  const spread = await each(addresses, async (from) => (await one.ask({ from })).backend)
  t.equal(new Set(spread).size, 3)
})

t.test('when a backend goes, the values of the others stay, and come back with it', async (t) => {
  await using one = await farm(byUser)
  const users = times(200).map((i) => `user-${i}`)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const mapping = async (): Promise<string[]> =>
    each(users, async (user) => (await one.ask({ fields: { 'x-user': user }, agent })).backend)
  const before = await mapping()
  one.fixture.serve(one.backends.slice(1), { policy: byUser })
  const after = await mapping()
  for (const [i, backend] of before.entries())
    if (backend === '0') t.not(after[i], '0')
    else if (after[i] !== backend) t.fail(`${users[i]} moved`)
  one.fixture.serve([...one.backends].reverse(), { policy: byUser })
  t.same(await mapping(), before)
  agent.destroy()
})

t.test('a value whose backend refuses connections is served by one other', async (t) => {
  await using one = await farm(byUser)
  const { backend } = await one.ask({ fields: { 'x-user': 'anna' } })
  await one.backends[Number(backend)]?.[Symbol.asyncDispose]()
  const seen = await each(
    times(10),
    async () => (await one.ask({ fields: { 'x-user': 'anna' } })).backend,
  )
  t.equal(new Set(seen).size, 1, seen.join())
  t.not(seen[0], backend)
})

t.test('a client without the cookie gets one, and stays with its backend by it', async (t) => {
  await using one = await farm({ kind: 'cookie', name: 'lb', ttlSeconds: 60, path: '/app' })
  const first = await one.ask()
  t.equal(first.body, 'hi')
  t.equal(first.cookies.length, 1)
  t.match(first.cookies[0] ?? '', /^lb=[0-9a-f]{16}; Max-Age=60; Path=\/app; HttpOnly$/)
  const pair = first.cookies[0]?.split(';')[0] ?? ''
  const again = await each(times(20), async () =>
    one.ask({ fields: { cookie: `a=b; ${pair}; c="d"` } }),
  )
  t.same(new Set(again.map(({ backend }) => backend)), new Set([first.backend]))
  t.same(
    again.flatMap(({ cookies }) => cookies),
    [],
    'set once',
  )
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const others = await each(times(100), async () => one.ask({ agent }))
  agent.destroy()
  t.equal(new Set(others.map(({ backend }) => backend)).size, 5)
  t.equal(new Set(others.flatMap(({ cookies }) => cookies)).size, 100)
})

t.test('a session cookie has no Max-Age; HTTP/1.0 and close get it as well', async (t) => {
  await using one = await farm({ kind: 'cookie', name: 'lb', ttlSeconds: 0 })
  for (const text of [
    'GET / HTTP/1.0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n',
  ]) {
    const client = await one.fixture.client()
    client.send(text)
    const answer = await client.until(/hi$/)
    t.match(answer, /\r\nSet-Cookie: lb=[0-9a-f]{16}; HttpOnly\r\nConnection: close\r\n\r\nhi$/)
  }
})

t.test('a query parameter decides, and only the one that is named', async (t) => {
  await using one = await farm({ kind: 'query', name: 'user' })
  const at = async (path: string): Promise<string> => (await one.ask({ path })).backend
  const alone = await each(times(12), async (i) => at(`/?user=${i}`))
  t.ok(new Set(alone).size > 1, alone.join())
  const noisy = await each(times(12), async (i) => at(`/other?x=${i * 7}&user=${i}&User=z#user=q`))
  t.same(noisy, alone)
  t.equal(new Set(await each(times(12), async (i) => at(`/?users=${i}&user=`))).size, 1)
})

t.test('random: every backend its share, and not in turn', async (t) => {
  await using one = await farm('random', { count: 3 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const seen = await each(times(600), async () => (await one.ask({ agent })).backend)
  agent.destroy()
  const counts = ['0', '1', '2'].map((name) => seen.filter((backend) => backend === name).length)
  // chi-square, 2 degrees of freedom: above 27.6 once in a million runs
  t.ok(counts.reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0) < 27.6, counts.join())
  const repeats = seen.filter((backend, i) => backend === seen[i - 1]).length
  t.ok(repeats > 120, `${repeats} repeats of 599`)
})

t.test('least-request: a slow backend gets significantly less', async (t) => {
  await using one = await farm('least-request', { count: 3, delayMs: (i) => (i === 0 ? 150 : 2) })
  const counts = [0, 0, 0]
  let left = 600
  const worker = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (left > 0) {
      left -= 1
      const { backend } = await one.ask({ agent })
      counts[Number(backend)] = (counts[Number(backend)] ?? 0) + 1
    }
    agent.destroy()
  }
  await Promise.all(times(12).map(worker))
  const [slow = 0, ...fast] = counts
  t.ok(slow > 0 && slow * 2 < Math.min(...fast), counts.join())
})

t.test('affinity wins over every policy', async (t) => {
  await using one = await farm('random')
  for (const policy of ['random', 'least-request', byUser] as const) {
    one.fixture.serve(one.backends, { policy, affinitySeconds: 60 })
    const seen = await each(
      times(20),
      async (i) => (await one.ask({ fields: { 'x-user': `${i}` } })).backend,
    )
    t.equal(new Set(seen).size, 1, JSON.stringify(policy))
  }
})

t.test('a change of policy shows at the next request of an open connection', async (t) => {
  await using one = await farm('round-robin', { count: 3 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const three = async (): Promise<number> =>
    new Set(
      await each(
        times(3),
        async () => (await one.ask({ agent, fields: { 'x-user': 'anna' } })).backend,
      ),
    ).size
  t.equal(await three(), 3)
  one.fixture.serve(one.backends, { policy: byUser })
  t.equal(await three(), 1)
  one.fixture.serve(one.backends)
  t.equal(await three(), 3)
  t.equal(one.fixture.proxy.connectionCount, 1)
  agent.destroy()
})

t.test('a client that says nothing holds up nobody', async (t) => {
  await using one = await farm(byUser)
  const silent = await one.fixture.client()
  const half = await one.fixture.client()
  half.send('GET / HTTP/1.1\r\nHost: web\r\nX-User: an')
  t.equal((await one.ask({ fields: { 'x-user': 'anna' } })).body, 'hi')
  t.same([silent.state, half.state], ['open', 'open'])
})

t.test('what is outstanding is counted down in every way that a request ends', async (t) => {
  await using one = await farm('least-request', { count: 1, delayMs: () => 40 })
  const endpoint = [...one.fixture.proxy.routes.values()][0]?.endpoints[0]
  await Promise.all(times(5).map(async () => one.ask()))
  const gone = await one.fixture.client()
  gone.send('GET / HTTP/1.1\r\nHost: web\r\n\r\n')
  await eventually(() => assert.equal(endpoint?.outstanding, 1))
  gone.socket.resetAndDestroy()
  await one.backends[0]?.[Symbol.asyncDispose]()
  await eventually(() => assert.equal(endpoint?.outstanding, 0))
  await one.ask()
  t.equal(endpoint?.outstanding, 0, 'a refused connection too')
})
