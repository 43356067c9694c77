import type { Assessment, Check, CheckContext, Statistic } from '../../../harness/api.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { names, rules } from '../support/rules.fixture.ts'
import { chiSquareEqual, runsTest, worstOf } from '../support/statistics.ts'
import { backendNames, backends } from './backends.fixture.ts'
import {
  type Answers,
  ask,
  type AskOptions,
  countsOf,
  describeAnswers,
  type Front,
  frontOf,
  isSpread,
  ownService,
  ways,
} from '../support/balance.ts'

/** Thousands of connections take so long on a machine that others use, too. */
const timeoutMs = 300_000

/** Which share each backend gets of connections and of HTTP requests. */
export const shares: readonly Check[] = [
  {
    requirement: 'LB-RR-001',
    sends:
      '300 connections in a row to the port tcp-0, and 300 requests, a connection each, to http-0',
    expects: 'each of the three backends answers 100 of each, give or take 1',
    fixtures: [backends],
    timeoutMs,
    run: async (context) => {
      const judgement = new Judgement()
      // why: a cycle of its own; other checks ask the Service of the fixture
      const { host } = await ownService(context, { fixture: backends })
      const front = { at: inPod(context), host }
      await isSpread(context, judgement, front, backendNames, { label: 'before' })
      const told: string[] = []
      for (const way of judgement.ok ? ways : []) {
        const seen = await ask(context, front, way, { connections: 300 })
        judgement.equal(`${way}: failures`, {}, seen.failures)
        const counts = countsOf(seen.order, backendNames)
        const off = Math.max(...counts.map((count) => Math.abs(count - 100)))
        judgement.atMost(`${way}: off from 100`, context.threshold('deviation'), off, 'connections')
        told.push(`${way}: ${describeAnswers(seen)}`)
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'LB-DEF-001',
    sends: '500 connections to the port tcp-0 and 500 requests, a connection each, to http-0',
    expects: 'each backend answers some on each port; chi-square of the sums against equal shares',
    fixtures: [backends],
    timeoutMs,
    run: async (context) => {
      const { judgement, front } = await plain(context)
      if (!judgement.ok) return judgement.assessment('')
      return equalShares(context, judgement, front, { connections: 500, concurrency: 4 })
    },
  },
  {
    requirement: 'LB-RR-002',
    sends: '5000 connections to the port tcp-0 and 5000 requests to http-0, 64 at a time',
    expects: "each backend's share of all is within 2 percentage points of a third",
    fixtures: [backends],
    timeoutMs,
    run: async (context) => {
      const { judgement, front } = await plain(context)
      if (!judgement.ok) return judgement.assessment('')
      const all: string[] = []
      for (const way of ways) {
        const seen = await ask(context, front, way, { connections: 5_000, concurrency: 64 })
        judgement.equal(`${way}: failures`, {}, seen.failures)
        all.push(...seen.order)
      }
      const percent = countsOf(all, backendNames).map((count) => (100 * count) / all.length)
      const off = Math.max(...percent.map((share) => Math.abs(share - 100 / 3)))
      judgement.atMost(
        'off from a third',
        context.threshold('deviationPercentagePoints'),
        off,
        'percentage points',
      )
      return judgement.assessment(percent.map((share) => `${share.toFixed(2)} %`).join(', '))
    },
  },
  {
    requirement: 'LB-RND-001',
    sends:
      '400 connections in a row to tcp-0, and 400 requests to http-0, of a Service with RANDOM',
    expects: 'chi-square against equal shares, and a runs test of the order: no cycle, no clumps',
    fixtures: [rules],
    timeoutMs,
    run: async (context) => {
      const front = await frontOf(context, rules, 'at-random')
      const judgement = new Judgement()
      const backendsOf = names(3)
      if (!(await isSpread(context, judgement, front, backendsOf, { label: 'before' })))
        return judgement.assessment('')
      const tests: Statistic[] = []
      const told: string[] = []
      for (const way of ways) {
        const seen = await ask(context, front, way, { connections: 400 })
        judgement.equal(`${way}: failures`, {}, seen.failures)
        const order = seen.order.map((pod) => backendsOf.indexOf(pod))
        const runs = runsTest(order)
        tests.push(chiSquareEqual(countsOf(seen.order, backendsOf)), runs)
        told.push(`${way}: ${describeAnswers(seen)}, runs z ${runs.statistic.toFixed(2)}`)
      }
      return judgement.assessment(told.join('; '), { statistic: worstOf(tests) })
    },
  },
  {
    requirement: 'LB-EP-001',
    sends:
      'connections and requests to a Service of two endpoints, after a third is added, and after it is removed',
    expects:
      'with three, chi-square against equal shares; before and after, nothing from the third',
    fixtures: [backends],
    timeoutMs,
    run: async (context) => {
      const judgement = new Judgement()
      const own = await ownService(context, { fixture: backends, count: 2 })
      const front = { at: inPod(context), host: own.host }
      const both = backendNames.slice(0, 2)
      const steps = [
        ['two endpoints', 2, both],
        ['one added', 3, backendNames],
        ['it removed', 2, both],
      ] as const
      const tests: Statistic[] = []
      const told: string[] = []
      for (const [label, count, members] of steps) {
        await own.resize(count)
        if (!(await isSpread(context, judgement, front, members, { label }))) break
        for (const way of ways) {
          const seen = await ask(context, front, way, { connections: 240, concurrency: 4 })
          // why: what a connection that is lost says is for other rows
          judgement.atLeast(`${label}, ${way}: answers`, 200, seen.order.length, 'of 240')
          judgement.set(`${label}, ${way}: who answers`, members, new Set(seen.order))
          if (count === 3) tests.push(chiSquareEqual(countsOf(seen.order, members)))
          told.push(`${label}, ${way}: ${describeAnswers(seen)}`)
        }
      }
      const statistic = tests.length === 0 ? {} : { statistic: worstOf(tests) }
      return judgement.assessment(told.join('; '), statistic)
    },
  },
  {
    requirement: 'LB-EP-002',
    sends:
      '60 connections to each of two Services over the same two pods, in turn; the same by HTTP',
    expects: 'chi-square against equal shares holds for each of them',
    fixtures: [backends],
    timeoutMs,
    run: async (context) => {
      const judgement = new Judgement()
      const members = backendNames.slice(0, 2)
      const fronts: Front[] = []
      for (const label of ['one', 'other']) {
        const { host } = await ownService(context, { fixture: backends, count: 2 })
        const front = { at: inPod(context), host }
        if (!(await isSpread(context, judgement, front, members, { label })))
          return judgement.assessment('')
        fronts.push(front)
      }
      const tests: Statistic[] = []
      const told: string[] = []
      for (const way of ways) {
        const orders: readonly [string[], string[]] = [[], []]
        for (let turn = 0; turn < 60; turn += 1)
          for (const [index, front] of fronts.entries())
            orders[index]?.push(...(await ask(context, front, way, {})).order)
        for (const [index, order] of orders.entries()) {
          const answers: Answers = { order, failures: {} }
          judgement.equal(`${way}: answers of Service ${index + 1}`, 60, order.length)
          tests.push(chiSquareEqual(countsOf(order, members)))
          told.push(`${way}, Service ${index + 1}: ${describeAnswers(answers)}`)
        }
      }
      return judgement.assessment(told.join('; '), { statistic: worstOf(tests) })
    },
  },
]

/** The Service without rules, once all of its backends answer. */
async function plain(
  context: CheckContext,
): Promise<{ readonly judgement: Judgement; readonly front: Front }> {
  const judgement = new Judgement()
  const front = await frontOf(context, backends, 'web')
  await isSpread(context, judgement, front, backendNames, { label: 'before' })
  return { judgement, front }
}

async function equalShares(
  context: CheckContext,
  judgement: Judgement,
  front: Front,
  options: AskOptions,
): Promise<Assessment> {
  const all: string[] = []
  const told: string[] = []
  for (const way of ways) {
    const seen = await ask(context, front, way, options)
    judgement.equal(`${way}: failures`, {}, seen.failures)
    judgement.set(`${way}: who answers`, backendNames, new Set(seen.order))
    all.push(...seen.order)
    told.push(`${way}: ${describeAnswers(seen)}`)
  }
  const statistic = chiSquareEqual(countsOf(all, backendNames))
  return judgement.assessment(told.join('; '), { statistic })
}
