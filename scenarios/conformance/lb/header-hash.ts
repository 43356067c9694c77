import type { Check } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { failuresOf, podOf, volley } from '../support/connect.ts'
import { byHeader, hashedHeader } from '../support/destination-rules.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { restartTarget } from '../support/restart.ts'
import { names, rules } from '../support/rules.fixture.ts'
import {
  answersOf,
  ask,
  countsOf,
  describeAnswers,
  frontOf,
  isHashed,
  ruledService,
  podsByValue,
  valuesOf,
} from '../support/balance.ts'

/** Values that are compared one by one. */
const fewValues = 20

/** Values that are followed while endpoints come and go, and the endpoints that do, of which there are six. */
const movingValues = 200
const leaving = [2, 3, 4] as const

/** Thousands of connections take so long on a machine that others use, too. */
const timeoutMs = 300_000

/** Requests led by the hash of a header. */
export const headerHash: readonly Check[] = [
  {
    requirement: 'LB-CH-001',
    sends:
      '100 requests, a connection each, with one value of the hashed header; the same for two more values',
    expects: 'one backend answers all of a value',
    fixtures: [rules],
    run: async (context) => {
      const front = await frontOf(context, rules, 'by-header')
      const judgement = new Judgement()
      const told: string[] = []
      if (!(await isHashed(context, judgement, front, 'before')).accepted)
        return judgement.assessment('')
      for (const value of ['anna', 'bert', 'cleo']) {
        const seen = await ask(context, front, 'http', { connections: 100, concurrency: 4, value })
        judgement.equal(`${value}: failures`, {}, seen.failures)
        judgement.equal(`${value}: backends`, 1, new Set(seen.order).size)
        told.push(`${value}: ${describeAnswers(seen)}`)
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'LB-CH-002',
    sends: 'a request with each of 1000 values of the hashed header, a connection each',
    expects: 'every backend is used, the fullest not much more than the others',
    fixtures: [rules],
    run: async (context) => {
      const front = await frontOf(context, rules, 'by-header')
      const judgement = new Judgement()
      if (!(await isHashed(context, judgement, front, 'before')).accepted)
        return judgement.assessment('')
      const pods = await podsByValue(context, front, valuesOf(1_000, 'user'))
      const counts = countsOf(pods, names(3))
      const answered = counts.reduce((sum, count) => sum + count, 0)
      const others = pods.filter((pod) => !names(3).includes(pod))
      judgement.equal('answers', pods.length, answered).set('other answers', [], new Set(others))
      judgement.atLeast('the emptiest', 1, Math.min(...counts), 'requests')
      judgement.atMost(
        'fullest to mean',
        context.threshold('maxToMean'),
        Math.max(...counts) / (answered / counts.length),
        'times',
      )
      return judgement.assessment(counts.join(', '))
    },
  },
  {
    requirement: 'LB-CH-003',
    sends: `${fewValues} values of the hashed header, in turn, on one connection`,
    expects: 'each request goes where its value goes on a connection of its own',
    fixtures: [rules],
    run: async (context) => {
      const front = await frontOf(context, rules, 'by-header')
      const judgement = new Judgement()
      if (!(await isHashed(context, judgement, front, 'before')).accepted)
        return judgement.assessment('')
      const values = valuesOf(fewValues, 'turn')
      const alone = await podsByValue(context, front, values)
      judgement.atLeast('backends of these values', 2, new Set(alone).size, 'backends')
      const http = [...values, ...values].map((value) => ({
        path: '/',
        headers: [[hashedHeader, value] as const],
      }))
      const seen = await volley(context, front.at, {
        host: front.host,
        port: 80,
        http,
        connectionTimeoutMs: 60_000,
      })
      judgement.equal('failures', {}, failuresOf(seen) === 0 ? {} : seen.failures)
      judgement.equal('backends in turn', [...alone, ...alone], answersOf(seen).order)
      return judgement.assessment(`${http.length} requests, each where its value leads`)
    },
  },
  {
    requirement: 'LB-CH-004',
    sends: `${movingValues} values of the hashed header to 6 endpoints, to 5 of them, and to these without one of ${leaving.length} in turn; then to the 6 without each of these`,
    expects:
      'few values move but those of the endpoint that went, and few but those that the new one takes: on average, because where endpoints lie on a ring is chance',
    fixtures: [rules],
    timeoutMs,
    run: async (context) => {
      const judgement = new Judgement()
      const own = await ruledService(context, judgement, byHeader, { count: 6 })
      const front = { at: inPod(context), host: own.host }
      if (!(await isHashed(context, judgement, front, 'before')).accepted)
        return judgement.assessment('')
      const values = valuesOf(movingValues, 'key')
      const mapped = async (
        count: number,
        without: readonly number[],
      ): Promise<readonly string[]> => {
        const members = names(count).filter(
          (name) => !without.some((one) => name === names(6)[one]),
        )
        await own.resize(count, without)
        const { seen } = await eventually(
          () => podsByValue(context, front, values),
          (pods) => isSame(pods, members),
          { withinMs: context.threshold('convergenceMs'), signal: context.signal },
        )
        judgement.set(`${members.join(', ')}: who answers`, members, new Set(seen))
        return seen
      }
      const six = await mapped(6, [])
      const five = await mapped(5, [])
      const removed: number[] = []
      const added: number[] = []
      for (const index of leaving) {
        const [name = ''] = names(6).slice(index)
        const others = values.flatMap((_, at) => (five[at] === name ? [] : [at]))
        const four = await mapped(5, [index])
        removed.push(others.filter((at) => four[at] !== five[at]).length / others.length)
        const rest = await mapped(6, [index])
        added.push(differences(rest, six) / values.length)
      }
      judgement
        .atMost(
          "moved, of the others' values, when one was removed",
          context.threshold('movedOnRemoveRatio'),
          mean(removed),
          'of 1',
        )
        .atMost(
          'moved when one was added',
          context.threshold('movedOnAddRatio'),
          mean(added),
          'of 1',
        )
      return judgement.assessment(
        `removed: ${inPercent(removed)} % of the others' moved; added: ${inPercent(added)} % moved`,
      )
    },
  },
  {
    requirement: 'LB-CH-005',
    sends:
      '60 values of the hashed header from pods on two nodes, and again after the agent of the first was restarted',
    expects: 'each value leads to the same backend, three times',
    fixtures: [rules],
    timeoutMs: 240_000,
    run: async (context) => {
      const front = await frontOf(context, rules, 'by-header')
      const judgement = new Judgement()
      if (!(await isHashed(context, judgement, front, 'before')).accepted)
        return judgement.assessment('')
      const values = valuesOf(60, 'node')
      const here = await podsByValue(context, front, values)
      const there = await podsByValue(context, { ...front, at: inPod(context, 1) }, values)
      judgement.atLeast('backends of these values', 2, new Set(here).size, 'backends')
      judgement.equal('from the other node', 0, differences(here, there))
      await restartTarget(context, front.at.node)
      const { seen } = await eventually(
        () => podsByValue(context, front, values),
        (after) => differences(here, after) === 0,
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      judgement.equal('after the restart', 0, differences(here, seen))
      return judgement.assessment('the same backends from both nodes and after the restart')
    },
  },
  {
    requirement: 'LB-CH-006',
    sends: '100 requests without the hashed header, a connection each, and 100 more',
    expects:
      'all are answered; both times by one and the same backend, or both times by all of them',
    fixtures: [rules],
    run: async (context) => {
      const front = await frontOf(context, rules, 'by-header')
      const judgement = new Judgement()
      const told: string[] = []
      const patterns: string[] = []
      for (const turn of [1, 2]) {
        const { seen } = await eventually(
          () => ask(context, front, 'http', { connections: 100, concurrency: 4 }),
          ({ failures }) => Object.keys(failures).length === 0,
          {
            withinMs: context.threshold('convergenceMs'),
            // why: each look takes 100 local ports for a minute
            everyMs: 1_000,
            signal: context.signal,
          },
        )
        judgement.equal(`${turn}: failures`, {}, seen.failures)
        patterns.push([...new Set(seen.order)].sort().join(', '))
        told.push(describeAnswers(seen))
      }
      const [one = '', other = ''] = patterns
      const all = names(3).join(', ')
      judgement.holds(
        'who answers',
        'one backend both times, or all of them both times',
        patterns.join(' | '),
        one === other && (one === all || !one.includes(',')),
      )
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'LB-CH-007',
    sends: `${fewValues} values of the hashed header, its name in three spellings`,
    expects: 'a value leads to the same backend, whatever the spelling',
    fixtures: [rules],
    run: async (context) => {
      const front = await frontOf(context, rules, 'by-header')
      const judgement = new Judgement()
      if (!(await isHashed(context, judgement, front, 'before')).accepted)
        return judgement.assessment('')
      const values = valuesOf(fewValues, 'case')
      const usual = await podsByValue(context, front, values)
      judgement.atLeast('backends of these values', 2, new Set(usual).size, 'backends')
      for (const header of [hashedHeader.toLowerCase(), hashedHeader.toUpperCase()]) {
        const pods = await podsByValue(context, front, values, { header })
        judgement.equal(`${header}: other backends`, 0, differences(usual, pods))
      }
      return judgement.assessment('the same backends for each spelling')
    },
  },
  {
    requirement: 'LB-CH-010',
    sends:
      'a request without the hashed cookie, then 30 connections with the cookie that came back',
    expects: 'a cookie is set, and one backend answers all that bear it',
    fixtures: [rules],
    run: async (context) => {
      const judgement = new Judgement()
      const consistentHash = { httpCookie: { name: 'session', ttl: '60s' } }
      const own = await ruledService(context, judgement, { consistentHash })
      const probe = await context.probe(inPod(context))
      const url = `http://${own.host}/`
      const { seen } = await eventually(
        () => probe.run({ kind: 'http', url, timeoutMs: 5_000 }, context),
        (answer) => cookieOf(answer) !== undefined,
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      const cookie = cookieOf(seen)
      judgement.holds('Set-Cookie', 'session=...', cookie ?? 'none', cookie !== undefined)
      if (cookie === undefined) return judgement.assessment('')
      const http = [{ path: '/', headers: [['Cookie', cookie] as const] }]
      const job = { host: own.host, port: 80, connections: 30, concurrency: 4, http }
      const bearing = await volley(context, inPod(context), job)
      const { order, failures } = answersOf(bearing)
      const [, firstPod = ''] =
        seen.kind === 'http' ? (seen.headers.find(([name]) => isPodHeader(name)) ?? []) : []
      judgement.equal('failures', {}, failures)
      judgement.equal('who answers', [podOf(firstPod)], [...new Set(order)])
      return judgement.assessment(`${cookie.split('=', 1).join()} leads to ${firstPod}`)
    },
  },
  {
    requirement: 'LB-CH-012',
    sends:
      'requests with 40 values of the hashed header to the second port, which has one endpoint; the first has three',
    expects: 'its one endpoint answers all of them',
    fixtures: [rules],
    run: async (context) => {
      const front = await frontOf(context, rules, 'by-header')
      const judgement = new Judgement()
      if (!(await isHashed(context, judgement, front, 'before')).accepted)
        return judgement.assessment('')
      const values = valuesOf(40, 'port')
      const pods = await podsByValue(context, front, values)
      judgement.set('who answers on the first port', names(3), new Set(pods))
      const second = await podsByValue(context, front, values, { port: 86 })
      judgement.set('who answers on the second port', names(1), new Set(second))
      return judgement.assessment('the second port is answered by its endpoint alone')
    },
  },
]

function mean(all: readonly number[]): number {
  return all.reduce((sum, one) => sum + one, 0) / all.length
}

function inPercent(ratios: readonly number[]): string {
  return ratios.map((ratio) => Math.round(100 * ratio)).join(', ')
}

function differences(some: readonly string[], others: readonly string[]): number {
  return some.filter((pod, index) => pod !== others[index]).length
}

function isSame(pods: readonly string[], wanted: readonly string[]): boolean {
  const seen = new Set(pods)
  return seen.size === wanted.length && wanted.every((name) => seen.has(name))
}

function isPodHeader(name: string): boolean {
  return name.toLowerCase() === 'x-pod'
}

/** `session=VALUE` of the Set-Cookie that an answer bears. */
function cookieOf(seen: {
  readonly kind: string
  readonly headers?: readonly (readonly [string, string])[]
}): string | undefined {
  const lines = (seen.headers ?? []).filter(([name]) => name.toLowerCase() === 'set-cookie')
  return lines
    .map(([, value]) => value.split(';', 1)[0] ?? '')
    .find((value) => value.startsWith('session='))
}
