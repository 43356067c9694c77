import t from 'tap'
import { judgeAgreement, judgeSaturation, type Round } from './cross-check.ts'
import { kernelFindings, neighbours } from './environment.ts'
import { dnsperfReading, h2loadReading, wrkReading } from './tools.ts'

/* What the tools of Debian 12 and 13 print. */

t.test('wrk 4.1: rate, requests, median in whichever unit, trouble', (t) => {
  const said = `Running 1s test @ http://127.0.0.1:1/
  Latency Distribution
     50%    3.98ms
     99%    9.00ms
  3985 requests in 1.00s, 2.52MB read
Requests/sec:   3981.08
`
  t.same(wrkReading(said), { rps: 3981.08, requests: 3985, p50Us: 3980, troubles: [] })
  t.equal(wrkReading(said.replace('3.98ms', '99.00us')).p50Us, 99)
  t.same(wrkReading(`${said}  Socket errors: connect 0, read 5, write 0, timeout 0\n`).troubles, [
    'Socket errors: connect 0, read 5, write 0, timeout 0',
  ])
  t.throws(() => wrkReading('unable to connect'), { message: /in: unable to connect/ })
  t.end()
})

t.test('h2load 1.52: rate, and the median from its log', (t) => {
  const said = `finished in 1.01s, 3940.00 req/s, 2.55MB/s
requests: 3980 total, 3980 started, 3976 done, 3976 succeeded, 0 failed, 0 errored, 0 timeout
`
  const log =
    '1700000000000000\t200\t4000\n1700000000000010\t200\t4200\n1700000000000020\t200\t90\n'
  const want = { rps: 3940, requests: 3976, p50Us: 4000, troubles: [] }
  t.same(h2loadReading(said, log), want)
  t.same(h2loadReading(said.replace('0 errored', '2 errored'), log).troubles, [
    'h2load says that 2 requests failed',
  ])
  t.end()
})

t.test('dnsperf 2.10: rate, lost queries, the median where it was told to print each', (t) => {
  const said = `> NOERROR web.example.org A 0.004000
> NOERROR web.example.org A 0.002000
> NOERROR web.example.org A 0.005000
  Queries completed:    3 (100.00%)
  Queries lost:         0 (0.00%)
  Queries per second:   3.5
`
  t.same(dnsperfReading(said), { rps: 3.5, requests: 3, p50Us: 4000, troubles: [] })
  const quiet = said.replaceAll(/^>.*\n/gm, '').replace('lost:         0', 'lost:         7')
  t.same(dnsperfReading(quiet), { rps: 3.5, requests: 3, troubles: ['dnsperf lost 7 queries'] })
  t.end()
})

function round(rps: number, p50Us: number, cpuUs = 10): Round {
  return {
    theirs: { rps: 4_000, requests: 4_000, p50Us: 4_000, cpuUs: 40_000, troubles: [] },
    ours: { rps, p50Us, requests: 1, cpuUs },
    invalid: [],
    disturbance: { waitedRatio: 0, stealRatio: 0 },
  }
}

t.test('two generators agree within 10 % of the rate and 20 % of the median', (t) => {
  t.ok(judgeAgreement([round(4_300, 4_700)]).isOk)
  t.notOk(judgeAgreement([round(4_500, 4_000)]).isOk, 'rate')
  t.notOk(judgeAgreement([round(4_000, 3_100)]).isOk, 'median')
  t.ok(judgeAgreement([round(1_000, 4_000), round(4_000, 4_000), round(4_000, 4_000)]).isOk)
  t.notOk(judgeAgreement([round(4_000, NaN)]).isOk, 'a median that nobody told agrees with nothing')
  t.end()
})

t.test('a closed loop by what a request costs, an open one by the rate that it holds', (t) => {
  const closed = (one: Round): boolean => judgeSaturation([one], 0.6, 'closed-loop').isOk
  t.ok(closed(round(1, 1, 16)), '10 / 16')
  t.notOk(closed(round(4_000, 1, 17)), '10 / 17, at whichever rate')
  const open = (one: Round): boolean => judgeSaturation([one], 0.6, 'open-loop').isOk
  t.ok(open(round(2_400, 1, 100)))
  t.notOk(open(round(2_300, 1, 1)))
  t.end()
})

t.test('neighbours are told with what they cost', (t) => {
  const idle = neighbours([1, 0, 1, 298, 0, 0, 0, 0])
  t.equal(idle.state, 'ok')
  const busy = neighbours([100, 50, 50, 90, 0, 0, 10, 0])
  t.equal(busy.state, 'broken')
  t.match(busy.detail, 'others use 70 % of the CPUs')
  t.equal(neighbours([0, 0, 0, 270, 0, 0, 0, 30]).state, 'broken', 'steal')
  t.end()
})

t.test('kernel files: a limited group, full tables; what is not there says nothing', (t) => {
  const files: Readonly<Record<string, string>> = {
    '/proc/self/cgroup': '0::/box',
    '/sys/fs/cgroup/box/cpu.max': '150000 100000',
    '/sys/fs/cgroup/box/cpu.stat': 'usage_usec 1\nnr_throttled 12\n',
    '/proc/sys/net/netfilter/nf_conntrack_count': '900',
    '/proc/sys/net/netfilter/nf_conntrack_max': '1000',
    '/proc/pressure/cpu': 'some avg10=92.97 avg60=83.30 avg300=71.08 total=1\n',
  }
  const found = kernelFindings((path) => files[path])
  const of = (id: string): string | undefined => found.find((one) => one.id === id)?.detail
  t.equal(of('cpu-quota'), '1.5 CPUs, throttled 12 times so far')
  t.equal(of('conntrack'), '900 of 1000 flows')
  t.match(of('cpu-pressure'), /92\.97 %/)
  t.ok(found.every(({ state }) => state === 'broken'))
  t.same(
    kernelFindings(() => undefined),
    [],
  )
  t.end()
})
