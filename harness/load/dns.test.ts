import { createSocket } from 'node:dgram'
import t from 'tap'
import type { LoadJob, LoadProfile, LoadResult, LoadTarget } from '../model/load.ts'
import { cannotRunDnsmasq, freeUdpPort, startDnsmasq } from '../testing/dnsmasq.ts'
import { quantileUs } from '../measure/histogram.ts'
import { runLoad } from './run.ts'

const skip = cannotRunDnsmasq()
const openLoop: LoadProfile = { kind: 'open-loop', rateRps: 500, maxInFlight: 2_000 }
const closedLoop: LoadProfile = { kind: 'closed-loop', concurrency: 16 }

interface Ask {
  readonly port: number
  readonly profile?: LoadProfile
  readonly name?: string
  readonly expect?: Extract<LoadTarget, { kind: 'dns' }>['expect']
}

function run({
  port,
  profile = openLoop,
  name = 'web.test',
  expect = { rcode: 'NOERROR', minAnswers: 1 },
}: Ask): Promise<LoadResult> {
  const questions = [{ name, type: 'A' }]
  const job: LoadJob = {
    target: { kind: 'dns', host: '127.0.0.1', port, questions, expect },
    profile,
    warmupMs: 100,
    durationMs: 800,
    seed: 4,
  }
  return runLoad(job, { signal: new AbortController().signal })
}

t.test('a real dnsmasq: every query that was due is answered', { skip }, async (t) => {
  await using server = await startDnsmasq(['--host-record=web.test,10.1.2.3'])
  for (const profile of [openLoop, closedLoop]) {
    const result = await run({ port: server.port, profile })
    t.equal(result.completed, result.scheduled, profile.kind)
    t.ok(result.completed > 100)
    t.same(result.failures, {})
    t.equal(result.response.count, result.completed)
  }
})

t.test(
  'NXDOMAIN is an answer where it is expected, and a stranger where not',
  { skip },
  async (t) => {
    await using server = await startDnsmasq(['--host-record=web.test,10.1.2.3'])
    const name = 'no.test'
    const wanted = await run({
      port: server.port,
      name,
      expect: { rcode: 'NXDOMAIN', minAnswers: 0 },
    })
    t.equal(wanted.completed, wanted.scheduled)
    const refused = await run({ port: server.port, name })
    t.match(refused.invalid, [
      'foreign answer: NXDOMAIN with 0 answers, want NOERROR with 1 at least',
    ])
    const empty = await run({ port: server.port, expect: { rcode: 'NOERROR', minAnswers: 2 } })
    t.match(empty.invalid, [/^foreign answer: NOERROR with [01] answers, want NOERROR with 2/])
  },
)

t.test('nobody listens: refused', async (t) => {
  const result = await run({ port: await freeUdpPort() })
  t.equal(result.completed, 0)
  t.ok((result.failures['refused'] ?? 0) > 0.9 * result.scheduled)
  t.ok(result.invalid.includes('no request was answered'))
})

t.test('a server that answers every other query: the rest timed out, and too many', async (t) => {
  const server = createSocket('udp4')
  let turn = 0
  server.on('message', (query, { port, address }) => {
    turn += 1
    if (turn % 2 === 0) return
    const answer = Buffer.from(query)
    answer.writeUInt16BE(0x8180, 2)
    server.send(answer, port, address)
  })
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address()
  const result = await run({ port, expect: { rcode: 'NOERROR', minAnswers: 0 } })
  const lost = result.failures['timed-out'] ?? 0
  t.equal(result.completed + lost, result.scheduled, 'each is answered or timed out')
  t.ok(Math.abs(lost / result.scheduled - 0.5) < 0.1)
  t.equal(result.response.count, result.scheduled, 'those that timed out are in the quantiles')
  t.ok(quantileUs(result.response, 75) >= 1e6, 'at the time they were waited for')
  t.ok(result.invalid.some((why) => /requests failed, want 1 of 100 at most: timed-out/.test(why)))
})
