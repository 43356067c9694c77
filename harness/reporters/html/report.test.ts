import { createHash } from 'node:crypto'
import t from 'tap'
import type { RunResult } from '../../model/run-result.ts'
import {
  allRuns,
  askedByName,
  comparedRun,
  conformantRun,
  failingRun,
  nonConformantRun,
  partialRun,
  passingRun,
} from '../fixtures.ts'
import { intervalText, quantity } from '../format.ts'
import { unansweredExperiment } from '../fixtures/experiments.ts'
import { without } from '../fixtures/without.ts'
import { prose } from './markup.ts'
import { html } from './report.ts'

const all = allRuns()
const passing = passingRun()
const failing = failingRun()

function embedded(document: string): unknown {
  const [, json] =
    /<script type="application\/json" id="meshmark-results">([^]*?)<\/script>/.exec(document) ?? []
  return JSON.parse(json ?? 'null')
}

t.test('the same results give the same text', (t) => {
  t.equal(html.render(allRuns()), html.render(all))
  t.end()
})

t.test('the document carries its results, in full', (t) => {
  t.same(embedded(html.render([passing])), [passing])
  t.same(embedded(html.render(all)), all)
  t.end()
})

t.test(
  'a comparison says what got worse, links to it, and shows the pairs and the controls',
  (t) => {
    const document = html.render([comparedRun()])
    t.match(document, /<h1>[^<]*worse than git:v0\.1\.0[^<]*1 of 1 gated metric got worse/)
    t.match(document, /<a href="#m-l7-latency-value">l7-latency\/value is worse: \+11\.0 %/)
    t.match(document, /<article class="question" id="m-l7-latency-value"/)
    t.match(document, 'candidate over baseline; left is better')
    t.match(document, /l7-latency\/cpu<\/th>.*not worse.*\(not gated\)/)
    t.match(document, 'the baseline against itself')
    t.end()
  },
)

t.test(
  'an experiment shows answer, meaning, margin, and each replicate with what was given up',
  (t) => {
    const document = html.render([askedByName()])
    t.match(document, /<a href="#q-convergence-l4">[^<]*<\/a><span class="big">41.ms<\/span>/)
    t.match(document, 'What it means: for so long clients are sent to a pod that is gone.')
    t.match(document, /stale window\)<\/th><td class="n">41.ms<\/td>.*<td class="t">gated<\/td>/)
    t.match(document, /<td class="n">&gt; 10,000<\/td>/)
    t.match(document, 'no: the client did not ask for 79 ms, want 60 at most')
    t.match(document, /\+310 KiB per 100/)
    t.match(document, 'it broke off: the provider bears no more')
    t.match(document, /convergence-l7[^]*No answer: the target does not claim l7-proxy\./)
    t.match(document, /<code>l7-payload<\/code> How long\? the target does not claim l7-proxy/)
    t.end()
  },
)

t.test('targets side by side: each with its effect and the direct way as its base line', (t) => {
  const passed = passingRun()
  const { bench = { questions: [], order: [] } } = passed
  const left = bench.questions.map((question) =>
    question.id === 'l7-latency'
      ? {
          ...without(question, 'effect'),
          answer: 'No answer: nobody listens.',
          arms: question.arms.map(({ id, label }) => ({ id, label, trials: [] })),
        }
      : question,
  )
  const other: RunResult = {
    ...passed,
    implementation: { ...failing.implementation, mode: 'no limits' },
    bench: { ...bench, questions: left },
    conclusion: 'invalid',
  }
  const document = html.render([passed, other, askedByName()])
  t.match(document, /<h1[^>]*>3 runs side by side: 2 passed, 1 not valid<\/h1>/)
  const [, row = ''] = /<tr><th[^>]*><code>l7-latency<\/code>(.*?)<\/tr>/.exec(document) ?? []
  const asked = passed.bench?.questions.find(({ id }) => id === 'l7-latency')
  const direct = asked?.arms[0]?.value
  t.match(row, `<small>direct ${quantity(direct, 'us')}</small>`)
  t.match(row, asked?.effect && `<small>(${intervalText(asked.effect)}, `)
  t.match(row, 'No answer: nobody listens.', 'what was not asked says why')
  t.match(document, 'B: EdgeMesh v1.17.0 (no limits)', 'how it ran is part of its name')
  t.match(document, /<svg[^>]*aria-labelledby="answers-l4-latency-t/)
  t.match(
    document,
    /id="experiments-table".*<code>convergence-l4<\/code>.*<strong>41.ms<\/strong>/s,
  )
  t.match(document, /skipped: the target does not claim l7-proxy/)
  const metrics = askedByName().bench?.experiments?.[0]?.metrics ?? []
  const silent = { ...unansweredExperiment, metrics: [...metrics, ...metrics] }
  const unanswered = html.render([passed, { ...other, bench: { ...bench, experiments: [silent] } }])
  const reason = 'unanswered: the probe broke'
  t.equal(unanswered.split(`<td class="t">${reason}</td>`).length, 2, 'the reason is told once')
  t.match(unanswered, /<a href="#run-2-q-[^"]*">[^<]*<\/a> \(no valid answer\)/)
  t.match(document, /<a href="#run-2-q-l7-latency">[^<]*<\/a> \(not asked\)/)
  t.end()
})

t.test('it refers to nothing outside itself: no script, style, image or font of elsewhere', (t) => {
  const document = html.render(all).replace(/<script type="application[^]*?<\/script>/, '')
  t.notMatch(document, /<(?:script|img|iframe|object|embed)[^>]*\ssrc=/i)
  t.notMatch(document, /@import|url\(/)
  t.same(
    [...document.matchAll(/<link [^>]*>/g)].map(([link]) => link.slice(0, 40)),
    ['<link rel="icon" href="data:image/svg+xm'],
  )
  t.end()
})

t.test('its content security policy allows its own style and script and nothing else', (t) => {
  const document = html.render([passing])
  for (const [tag, directive] of [
    ['style', 'style-src'],
    ['script', 'script-src'],
  ] as const) {
    const [, text] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(document) ?? []
    const hash = createHash('sha256')
      .update(text ?? '')
      .digest('base64')
    t.match(document, `${directive} &#39;sha256-${hash}&#39;`.replaceAll('&#39;', "'"))
  }
  t.match(document, "default-src 'none'")
  t.notMatch(document, /unsafe-inline|\sstyle="|\son\w+="/)
  t.end()
})

t.test('every id is there once and every link within the document leads somewhere', (t) => {
  for (const results of [[passing], [failing], all, []]) {
    const document = html.render(results)
    const ids = [...document.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
    t.same(ids.length, new Set(ids).size)
    const known = new Set(ids)
    const refs = [
      ...[...document.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id),
      ...[...document.matchAll(/aria-labelledby="([^"]*)"/g)].flatMap(([, all]) => all?.split(' ')),
    ]
    t.same(
      refs.filter((id) => !known.has(id)),
      [],
    )
  }
  t.end()
})

t.test('text of a target cannot become markup', (t) => {
  const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>\'&lt;\u0000\uD800'
  const spoiled = JSON.parse(JSON.stringify(failing), (key, value: unknown) =>
    typeof value === 'string' &&
    !['startedAt', 'status', 'conclusion', 'unit', 'better', 'kind', 'histogram'].includes(key)
      ? key === 'id' && (value === 'direct' || value === 'target')
        ? value
        : `${value}${evil}`
      : value,
  ) as RunResult
  const document = html.render([
    spoiled,
    { ...spoiled, implementation: { ...spoiled.implementation, url: 'javascript:alert(1)' } },
  ])
  t.equal(document.match(/<script/g)?.length, 2, 'only the data and the script of the report')
  t.notMatch(document, '<img')
  t.notMatch(document, 'href="javascript')
  t.same(
    embedded(document),
    JSON.parse(
      JSON.stringify([
        spoiled,
        { ...spoiled, implementation: { ...spoiled.implementation, url: 'javascript:alert(1)' } },
      ]),
    ),
  )
  t.end()
})

t.test('huge results are cut down to less than 2 MiB, and the document says so', (t) => {
  const limit = 2 * 1024 * 1024
  const talkative: RunResult = {
    ...passing,
    walkthrough: {
      scenario: 'w',
      title: 'w',
      steps: (passing.walkthrough?.steps ?? []).map((step) => ({
        ...step,
        seen: 'line\n'.repeat(100_000),
      })),
    },
  }
  for (const [results, told] of [
    [Array<RunResult>(12).fill(passing), 'without its histograms for the sake of size'],
    [[talkative], 'too large to be part of this file'],
  ] as const) {
    const document = html.render(results)
    t.ok(Buffer.byteLength(document) < limit, String(Buffer.byteLength(document)))
    t.ok(document.includes(told), told)
  }
  t.end()
})

t.test('code in backticks is code, an odd backtick is a backtick', (t) => {
  t.equal(prose('`<svc>` A → `x`').text, '<code>&lt;svc&gt;</code> A → <code>x</code>')
  t.equal(prose('a ` b').text, 'a ` b')
  t.end()
})

t.test('ten runs of the whole catalogue fit, and nothing that did not pass is left out', (t) => {
  const runs = Array.from({ length: 10 }, (_, at) =>
    at % 2 === 0 ? conformantRun(11) : nonConformantRun(11),
  )
  const rows = runs[1]?.conformance?.tests ?? []
  t.ok(rows.length > 400, String(rows.length))
  const document = html.render(runs)
  const bytes = Buffer.byteLength(document)
  t.ok(bytes < 2 * 1024 * 1024, String(bytes))
  t.match(document, 'rows passed; for the sake of size they are in result.json alone')
  for (const { id, status } of rows)
    if (status !== 'passed') t.match(document, `id="run-2-row-${id.toLowerCase()}"`, id)
  t.equal(document.match(/<th scope="row"><code>/g)?.length, rows.length, 'the matrix has all')
  const one = html.render([nonConformantRun(11)])
  t.ok(rows.every(({ id }) => one.includes(`id="row-${id.toLowerCase()}"`)))
  t.end()
})

t.test('results with little in them are rendered too', (t) => {
  const partial = partialRun()
  const bare = without(partial, 'walkthrough', 'bench')
  const [question] = partial.bench?.questions ?? []
  if (question === undefined) throw new Error('no question')
  const alone = without(question, 'effect')
  const empty = alone.arms.map(({ id, label }) => ({ id, label, trials: [] }))
  const zero = alone.arms.map((arm) => ({
    ...arm,
    value: 0,
    trials: arm.trials.map((trial) => ({ ...trial, value: 0, histogram: 'AAAA' })),
  }))
  const sparse: readonly RunResult[] = [
    { ...bare, cluster: { provider: 'local', nodes: [], readyMs: 0, description: {} } },
    {
      ...bare,
      bench: { questions: [], order: [] },
      walkthrough: { scenario: 'w', title: 'w', steps: [] },
    },
    { ...bare, bench: { questions: [{ ...alone, arms: empty }], order: [] } },
    { ...bare, bench: { questions: [{ ...alone, arms: zero }], order: [] } },
    {
      ...bare,
      bench: {
        questions: [
          {
            ...alone,
            effect: { metric: 'm', kind: 'difference', unit: 'us', estimate: 0, pairs: [0] },
          },
        ],
        order: [],
      },
    },
  ]
  for (const result of sparse) t.notMatch(html.render([result]), /NaN|Infinity|undefined|\[object/)
  t.match(html.render([]), 'No results')
  t.end()
})
