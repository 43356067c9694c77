import t from 'tap'
import type { RunResult } from '../model/run-result.ts'
import {
  askedByName,
  comparedRun,
  failingRun,
  invalidRun,
  partialRun,
  passingRun,
} from './fixtures.ts'
import { markdown } from './markdown.ts'

t.test('a passed run: verdict, steps, answers, how to repeat it', (t) => {
  const text = markdown.render([passingRun()])
  t.match(text, /^## ✅ meshmark reference data plane 0\.1\.0 passed: 15 of 15/)
  t.match(text, 'Exit code 0: everything that was asked for passed.')
  t.match(text, '| ✅ | Two edge nodes are Ready | passed | 14 ms |'.replace(' ms', '\u00A0ms'))
  t.match(
    text,
    /\| How many requests per second does the L4 path carry\? \| [\d,]+.req\/s \| [\d,]+.req\/s \| 0\.\d{3}× \| 0\.\d{3}× to 0\.\d{3}× \(98\.4.%\) \| 14 of 14 \|/,
  )
  t.match(text, 'not used in l7-latency: the schedule was not held: lag p99 of 3412 µs')
  t.match(text, '```text\nnpx meshmark run --seed 2864434397\n```')
  t.notMatch(text, '####', 'nothing to explain')
  t.end()
})

t.test('experiments: a metric a line, what it means, and what was skipped with its reason', (t) => {
  const text = markdown.render([askedByName()])
  t.match(
    text,
    '1 of 1 benchmark question answered'.replace(
      '1 of 1 benchmark question',
      '3 of 3 benchmark questions',
    ) + ', 2 skipped',
  )
  t.match(text, '- Endpoint removed, until it was last used (stale window): 41 ms')
  t.match(text, 'What it means: for so long clients are sent to a pod that is gone.')
  t.match(text, '- skipped: How long? the target does not claim l7-proxy')
  t.match(text, 'No answer: the target does not claim l7-proxy.')
  t.end()
})

t.test('a comparison: which metric got worse, by how much, and what decides', (t) => {
  const text = markdown.render([comparedRun()])
  t.match(text, /^## ❌ .* 0\.1\.0, worse than git:v0\.1\.0 \(.*\): 1 of 1 gated metric got worse/)
  t.match(text, 'Exit code 1: the candidate is worse than its baseline (0 without --gate).')
  t.match(
    text,
    /\| l7-latency\/value \| worse \| 200.µs \| 222.µs \| \+11\.0.% \| \+8\.4.% to \+13\.9.% \|/,
  )
  t.match(text, /\| l7-latency\/cpu \| not worse \(not gated\) \|/)
  t.match(text, /- control: the baseline against itself: same, \+0\.2.%/)
  t.end()
})

t.test('a comparison that is not decided says what improved all the same', (t) => {
  const run = comparedRun()
  const { gate } = run
  const [metric] = gate?.metrics ?? []
  if (gate === undefined || metric === undefined) throw new Error('the fixture has no session')
  const metrics = [
    { ...metric, verdict: 'improved' as const },
    { ...metric, id: 'l4-latency/value', verdict: 'inconclusive' as const },
  ]
  const text = markdown.render([{ ...run, gate: { ...gate, verdict: 'inconclusive', metrics } }])
  t.match(text, '1 of 2 gated metrics could not be decided, none was found worse, 1 improved')
  t.end()
})

t.test('what failed is shown with expected and seen, and nothing in it is markup', (t) => {
  const text = markdown.render([failingRun()])
  t.match(
    text,
    '#### ❌ A port named http-0 goes the L7 way: the proxy counts every request (failed)',
  )
  t.match(
    text,
    '```text\n$ for i in $(seq 10); do curl http://nginx-svc.default.svc.cluster.local:12345; done\n```',
  )
  t.match(text, '```text\nHTTP 502 <script>alert("not ours")</script> \\x1b[31mbad gateway')
  t.match(text, 'Reason: the probe program at edge-node-a ended unexpectedly')
  t.match(text, '- problem: evidence could not be collected')
  t.end()
})

t.test('hostile text stays in its cell and in its fence', (t) => {
  const steps: NonNullable<RunResult['walkthrough']>['steps'] = [
    {
      id: 'x',
      title: 'a | b <img src=x> [link](javascript:x)\nnext `code`',
      status: 'failed',
      seen: 'before\n````\n# after',
      durationMs: 1,
    },
  ]
  const text = markdown.render([
    { ...passingRun(), walkthrough: { scenario: 'w', title: 'w', steps } },
  ])
  t.match(
    text,
    '| ❌ | a &#124; b &#60;img src=x&#62; &#91;link&#93;(javascript:x) next &#96;code&#96; | failed |',
  )
  t.match(text, '`````text\nbefore\n````\n# after\n`````')
  t.end()
})

t.test('a partial and an invalid run say so at the top', (t) => {
  t.match(
    markdown.render([partialRun()]),
    /^## ❔ No verdict[^]*?> \*\*Partial:\*\* the run was interrupted/,
  )
  t.match(markdown.render([invalidRun()]), /^## ⚠️ No verdict[^]*Exit code 2/)
  t.end()
})

t.test('an output of any length leaves the summary far below what GitHub takes', (t) => {
  const run = failingRun()
  const steps = (run.walkthrough?.steps ?? []).map((step) => ({
    ...step,
    seen: 'x'.repeat(2_000_000),
  }))
  const text = markdown.render([{ ...run, walkthrough: { scenario: 'w', title: 'w', steps } }])
  t.ok(text.length < 100_000, String(text.length))
  t.match(text, '… 1998000 more characters in result.json')
  t.end()
})
