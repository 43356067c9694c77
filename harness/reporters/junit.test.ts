import t from 'tap'
import { askedByName, failingRun, invalidRun, passingRun, unansweredRun } from './fixtures.ts'
import { junit } from './junit.ts'

/** One test case of the document as text. */
function caseText(xml: string, name: string): string {
  const [found] = new RegExp(`<testcase[^>]* name="${name}[^]*?(?:/>|</testcase>)`).exec(xml) ?? []
  return found ?? `there is no case ${name}`
}

t.test('the totals are what CI shows', (t) => {
  const totals = (xml: string): string => /<testsuites [^>]*>/.exec(xml)?.[0] ?? ''
  t.equal(
    totals(junit.render([passingRun()])),
    '<testsuites name="meshmark" tests="23" failures="0" errors="0" time="1.050">',
  )
  t.match(totals(junit.render([failingRun()])), 'tests="23" failures="2" errors="2" time=')
  t.match(totals(junit.render([invalidRun()])), 'failures="0" errors="1"')
  t.match(totals(junit.render([passingRun(), failingRun()])), 'tests="46" failures="2" errors="2"')
  t.end()
})

t.test('a failed step carries expected, seen and what to type, harmlessly', (t) => {
  t.equal(
    caseText(junit.render([failingRun()]), 'http-goes-l7'),
    `<testcase classname="walkthrough" name="http-goes-l7 A port named http-0 goes the L7 way: the proxy counts every request" time="0.088">
      <failure type="expectation" message="expected L7 requests +10, L4 connections +0; saw HTTP 502 &lt;script&gt;alert(&quot;not ours&quot;)&lt;/script&gt; \\x1b[31mbad gateway\\x1b[0m &amp; L7 requests +3">$ for i in $(seq 10); do curl http://nginx-svc.default.svc.cluster.local:12345; done
expected: L7 requests +10, L4 connections +0
seen: HTTP 502 &lt;script&gt;alert("not ours")&lt;/script&gt; \\x1b[31mbad gateway\\x1b[0m &amp; L7 requests +3</failure>
    </testcase>`,
  )
  t.end()
})

t.test('skipped and inconclusive steps keep their reason', (t) => {
  const xml = junit.render([failingRun()])
  t.match(
    caseText(xml, 'name-b-host'),
    '<skipped message="the target does not claim the feature node-dns">',
  )
  t.match(
    caseText(xml, 'other-goes-l4'),
    '<error type="harness" message="the probe program at edge-node-a ended',
  )
  t.match(
    caseText(xml, 'the harness itself'),
    '<error type="harness" message="evidence could not be collected',
  )
  t.end()
})

t.test('a question without a valid trial is an error, an answered one says its answer', (t) => {
  const xml = junit.render([invalidRun()])
  t.match(
    caseText(xml, 'l4-throughput'),
    '<error type="harness" message="No answer: no trial was valid.">not used: the load generator',
  )
  t.match(
    caseText(xml, 'dns-throughput'),
    /<system-out>[\d,]+.req\/s \(median of 6 trials\)\.<\/system-out>/,
  )
  t.end()
})

t.test('experiments: answered, skipped with the reason, and without an answer', (t) => {
  const text = junit.render([askedByName()])
  t.match(text, /<testsuite name="[^"]*: bench" tests="5" failures="0" errors="0" skipped="2"/)
  t.match(text, /name="convergence-l4 How long until[^"]*"[^]*stale window\): 41 ms/)
  t.match(text, '<skipped message="the target does not claim l7-proxy"')
  t.match(junit.render([unansweredRun()]), /<error [^>]*message="No answer: the probe broke\."/)
  t.end()
})

t.test('who was tested, where, and how to repeat it is among the properties', (t) => {
  const xml = junit.render([failingRun()])
  t.match(xml, '<property name="implementation.version" value="v1.17.0"/>')
  t.match(xml, '<property name="environment.kernel" value="6.1.0-28-amd64"/>')
  t.match(
    xml,
    `<property name="reproduce" value="npx meshmark run --target './my adapter'\\''s.js' --seed 7"/>`,
  )
  t.end()
})
