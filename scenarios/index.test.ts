import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { BenchFacts, Experiment, Question } from '../harness/api.ts'
import { gatedMetrics } from './bench/gated.ts'
import { experiments, questions, scenarios } from './index.ts'
import { tableText } from './kubectl-text.ts'
import { leftoverRules } from './walkthrough/leftovers.ts'

t.test('every question that a file in bench/ exports is in the list, once', async (t) => {
  const folder = join(import.meta.dirname, 'bench')
  const files = readdirSync(folder).filter(
    (name) => name.endsWith('.js') && !name.endsWith('.test.js'),
  )
  const exported: Question[] = []
  const events: Experiment[] = []
  for (const name of files)
    for (const value of Object.values((await import(join(folder, name))) as object))
      if (isQuestion(value)) exported.push(value)
      else if (isExperiment(value)) events.push(value)
  const ids = (list: readonly { readonly id: string }[]): readonly string[] =>
    list.map(({ id }) => id).sort()
  t.same(ids(questions), ids(exported))
  t.same(ids(experiments), ids(events))
  const all = ids([...questions, ...experiments])
  t.equal(new Set(all).size, all.length)
})

t.test('a question asks something, compares with a yardstick first, and has a window', (t) => {
  for (const { id, title, arms, durationMs, warmupMs } of questions) {
    t.match(title, /\?$/, id)
    t.equal(arms.at(-1)?.id, 'target', `${id}: the target comes last`)
    t.ok(arms.length === 1 || arms[0]?.id === 'direct', `${id}: the yardstick comes first`)
    t.ok(durationMs >= 100 && warmupMs > 0, `${id}: a window and a warm-up`)
  }
  t.end()
})

t.test('what decides is declared, with a margin, and says what it means', (t) => {
  const gated = [...gatedMetrics.pr, ...gatedMetrics.release]
  for (const { id, role, margin, means } of questions) {
    const own = gated.filter(({ question, kind }) => question === id && kind === 'value')
    t.equal(role, own.length > 0 ? 'gated' : 'advisory', `${id} as gated.ts has it`)
    for (const metric of own) t.equal(margin, metric.margin, id)
    t.match(means, /^[a-z].* .*[^.]$/, `${id}: a sentence that follows a colon`)
  }
  for (const { id, title, means, metrics, replicates } of experiments) {
    t.match(title, /\?$/, id)
    t.match(means, /^[a-z].* .*[^.]$/, `${id}: a sentence that follows a colon`)
    t.ok(metrics.length > 0 && metrics.every(({ margin }) => margin > 0), id)
    t.equal(new Set(metrics.map((metric) => metric.id)).size, metrics.length, id)
    t.ok(replicates.quick <= replicates.full && replicates.quick > 0, id)
    for (const metric of metrics) t.notMatch(metric.title, /^[A-Z][a-z]/, metric.title)
  }
  t.end()
})

t.test('names that are to be new are new in every trial', (t) => {
  const cold = questions.find(({ id }) => id === 'dns-search-path-cold')
  const facts = { namespace: 'default', clusterDomain: 'cluster.local' } as BenchFacts
  const names = [1, 2].flatMap(() => {
    const target = cold?.arms[0]?.request(facts)
    return target?.kind === 'dns' ? target.questions.map(({ name }) => name) : []
  })
  t.ok(names.length > 1_000)
  t.equal(new Set(names).size, names.length)
  t.match(names[0], /\.example\.org\.default\.svc\.cluster\.local$/)
  t.end()
})

t.test('steps have ids of their own and titles that are sentences', (t) => {
  for (const { steps } of scenarios) {
    t.equal(new Set(steps.map(({ id }) => id)).size, steps.length)
    for (const { id, title } of steps) t.match(title, /^[A-Za-z].* .*[^.]$/, id)
  }
  t.end()
})

function isQuestion(value: unknown): value is Question {
  return typeof value === 'object' && value !== null && 'arms' in value && 'profile' in value
}

function isExperiment(value: unknown): value is Experiment {
  return typeof value === 'object' && value !== null && 'replicateS' in value
}

t.test('a table looks as kubectl prints it', (t) => {
  const table = {
    columns: [
      { name: 'Name', priority: 0 },
      { name: 'Node', priority: 1 },
      { name: 'Age', priority: 0 },
    ],
    rows: [
      ['nginx-deploy-1', 'edge-node-b', '5s'],
      ['x', null, 7],
    ],
  }
  t.equal(tableText(table), 'NAME             AGE\nnginx-deploy-1   5s\nx                7')
  t.match(tableText(table, { wide: true }), /^x +<none> +7$/m)
  t.end()
})

t.test('rules of an older EdgeMesh are told from those of a running one', (t) => {
  const listing = `
*nat
:EDGE-MESH - [0:0]
-A PREROUTING -p tcp -j EDGE-MESH
-A PREROUTING -p tcp -j EDGE-MESH
-A PREROUTING -j KUBE-PORTALS-CONTAINER
-A OUTPUT -m comment --comment "my edge meshes" -j ACCEPT
chain EDGEMESH-OUT {`
  t.same(leftoverRules(listing), [
    ':EDGE-MESH - [0:0]',
    '-A PREROUTING -p tcp -j EDGE-MESH',
    'chain EDGEMESH-OUT {',
  ])
  t.end()
})
