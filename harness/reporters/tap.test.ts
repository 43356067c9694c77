import { Parser, type Result } from 'tap-parser'
import t from 'tap'
import type { RunResult } from '../model/run-result.ts'
import {
  askedByName,
  conformantRun,
  failingRun,
  invalidRun,
  nonConformantRun,
  partialRun,
  passingRun,
  unansweredRun,
} from './fixtures.ts'
import { tap } from './tap.ts'

interface Parsed {
  readonly ok: boolean
  readonly outer: readonly Result[]
  readonly inner: readonly Result[]
  readonly extra: string
}

function parsed(results: readonly RunResult[]): Parsed {
  const outer: Result[] = []
  const inner: Result[] = []
  let extra = ''
  const parser = new Parser({ strict: true })
  parser.on('assert', (one: Result) => outer.push(one))
  parser.on('extra', (text: string) => (extra += text))
  parser.on('child', (child: Parser) => child.on('assert', (one: Result) => inner.push(one)))
  parser.end(tap.render(results))
  return { ok: parser.ok, outer, inner, extra }
}

t.test('a passed run is a passed test for every TAP consumer', (t) => {
  const { ok, outer, inner, extra } = parsed([passingRun()])
  t.ok(ok)
  t.equal(extra, '')
  t.match(outer, [
    { ok: true, name: 'meshmark reference data plane 0.1.0 (20251124-031104-9f2c1e)' },
  ])
  t.equal(inner.length, 15 + 7 + 1)
  t.match(inner[0], {
    ok: true,
    name: 'nodes-ready Two edge nodes are Ready',
    time: 14.2,
  })
  t.match(inner.at(-2)?.diag, { answer: /req\/s/, load: 'closed loop, 64 clients' })
  t.end()
})

t.test('failed, inconclusive and skipped steps are told apart and say why', (t) => {
  const { ok, inner } = parsed([failingRun()])
  t.notOk(ok)
  const point = (id: string): Result | undefined =>
    inner.find(({ name }) => name.startsWith(`${id} `))
  t.match(point('name-a-host'), {
    ok: false,
    diag: { status: 'failed', expected: /^HTTP 200/, seen: /NXDOMAIN/, command: /^curl/ },
  })
  t.match(point('http-goes-l7')?.diag, {
    seen: String.raw`HTTP 502 <script>alert("not ours")</script> \x1b[31mbad gateway\x1b[0m & L7 requests +3`,
  })
  t.match(point('other-goes-l4'), {
    ok: false,
    diag: { status: 'inconclusive', reason: /SIGKILL/ },
  })
  t.match(point('name-b-host'), {
    ok: true,
    skip: 'the target does not claim the feature node-dns',
  })
  t.match(inner.at(-1), { ok: false, diag: { problems: /^evidence could not be collected/ } })
  t.end()
})

t.test('a run that proves nothing does not pass', (t) => {
  t.notOk(parsed([partialRun()]).ok)
  const { ok, inner } = parsed([invalidRun()])
  t.notOk(ok)
  t.match(
    inner.filter((point) => !point.ok),
    [{ name: /^l4-throughput/, diag: { not_used: /event loop 97 % busy.*\(6 trials\)/ } }],
  )
  t.end()
})

t.test('text of several lines and marks of TAP itself come through', (t) => {
  const [step] = passingRun().walkthrough?.steps ?? []
  if (step === undefined) throw new Error('no step')
  const seen = '  first # line\n\n...\nnot ok 9 - x\n  ---\nlast: "value"'
  const title = String.raw`a # SKIP b \ c`
  const { inner, extra } = parsed([
    {
      ...passingRun(),
      walkthrough: {
        scenario: 'w',
        title: 'w',
        steps: [{ ...step, title, seen, status: 'failed' }],
      },
      conclusion: 'failed',
    },
  ])
  t.equal(extra, '')
  t.match(inner[0], { ok: false, skip: false, name: `nodes-ready ${title}`, diag: { seen } })
  t.end()
})

t.test('experiments: answered, skipped with the reason, and without an answer', (t) => {
  const text = tap.render([askedByName()])
  t.match(text, /^ +ok \d+ - convergence-l4 How long until.*$/m)
  t.match(text, /^ +ok \d+ - convergence-l7 .* # SKIP the target does not claim l7-proxy$/m)
  t.match(text, /^ +ok \d+ - l7-payload .* # SKIP the target does not claim l7-proxy$/m)
  t.match(tap.render([unansweredRun()]), /^ +not ok \d+ - restart /m)
  t.end()
})

t.test('several runs are several subtests', (t) => {
  const { outer } = parsed([passingRun(), failingRun()])
  t.match(outer, [
    { ok: true, id: 1 },
    { ok: false, id: 2 },
  ])
  t.end()
})

t.test('the conformance suite is a subtest per profile, and every reason is kept', (t) => {
  const rows: Result[] = []
  const read = (results: readonly RunResult[]): Parser => {
    rows.length = 0
    const parser = new Parser({ strict: true })
    parser.on('child', (run: Parser) =>
      run.on('child', (profile: Parser) => profile.on('assert', (one: Result) => rows.push(one))),
    )
    parser.end(tap.render(results))
    return parser
  }
  t.ok(read([conformantRun()]).ok)
  t.equal(rows.length, conformantRun().conformance?.tests.length)
  const parser = read([nonConformantRun()])
  t.notOk(parser.ok)
  t.same(
    parser.failures.filter(({ tapError }) => tapError !== undefined && tapError !== null),
    [],
  )
  const row = (id: string): Result | undefined => rows.find(({ name }) => name.startsWith(`${id} `))
  t.match(row('DNS-A-003'), {
    ok: false,
    todo: false,
    diag: {
      requirement: 'MUST, DNS core',
      source: 'S§2.1',
      expected: /^10\.96\.12\.7/,
      observed: /12 queries/,
      evidence: 'evidence/DNS-A-003/edge-node-a.pcap\nevidence/DNS-A-003/queries.txt',
      reproduce: 'npx meshmark conform --target edgemesh --only DNS-A-003 --seed 7',
    },
  })
  t.match(row('LB-CH-008'), { ok: false, todo: /^known issue MUST: .*issues\/587/ })
  t.match(row('DNS-HDL-003'), { ok: false, todo: /^failed SHOULD: NOERROR/ })
  t.match(row('L4-TCP-010'), { ok: true, skip: /no address outside/ })
  t.match(row('L4-SCTP-001'), { ok: true, skip: 'the target does not claim the feature sctp' })
  t.match(row('EDGE-OFF-002'), { ok: false, todo: false, diag: { reason: /SIGKILL/ } })
  const todos = nonConformantRun()
  const { conformance } = todos
  if (conformance === undefined) throw new Error('no conformance')
  const tests = conformance.tests.filter(({ id }) => ['LB-CH-008', 'DNS-HDL-003'].includes(id))
  t.ok(
    read([
      { ...todos, problems: [], conformance: { ...conformance, conclusion: 'partial', tests } },
    ]).ok,
    'known issues and SHOULD fail no run',
  )
  t.end()
})
