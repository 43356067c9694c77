import t from 'tap'
import { TargetError } from '../model/errors.ts'
import type { Scenario, Step } from '../model/scenario.ts'
import { run, type RunComponents, type RunPlan } from './run.ts'
import {
  clusterDouble,
  type Diary,
  environmentDouble,
  probeDouble,
  providerDouble,
  scenarioOf,
  targetDouble,
} from './testing/doubles.ts'
import { defaultTopologyDouble } from './testing/topology.ts'

const passes: Step = {
  id: 'passes',
  title: 'it passes',
  run: () => Promise.resolve({ kind: 'passed', expected: 'a', seen: 'a' }),
}
const fails: Step = {
  ...passes,
  run: () => Promise.resolve({ kind: 'failed', expected: 'a', seen: 'b' }),
}

function plan(walkthrough: Scenario): RunPlan {
  return {
    runId: 'r',
    topology: defaultTopologyDouble,
    walkthrough,
    suite: { name: 'meshmark', version: '0', seed: 1, argv: [] },
    evidenceDirectory: '/evidence',
  }
}

function components(diary: Diary, more: Partial<RunComponents> = {}): RunComponents {
  return {
    provider: providerDouble(diary),
    target: targetDouble(diary),
    connectProbe: () => probeDouble,
    connectLoad: () => {
      throw new Error('no load here')
    },
    statistics: {
      coinFlips: () => [],
      median: () => 0,
      hodgesLehmann: () => 0,
      interval: () => undefined,
    },
    environment: environmentDouble,
    generatorCpus: [],
    schemaVersion: '1',
    ...more,
  }
}

const { signal } = new AbortController()
const quiet = { tell: () => undefined, signal }

t.test('a run provisions, deploys, tells and undoes all of it in reverse', async (t) => {
  const diary: Diary = []
  const result = await run(plan(scenarioOf([passes])), components(diary), quiet)
  t.same(diary, [
    'create the cluster',
    'deploy the target',
    'uninstall the target',
    'remove the cluster',
  ])
  t.match(result, { conclusion: 'passed', partial: false, problems: [] })
})

t.test('a failed step leaves evidence before anything is undone', async (t) => {
  const diary: Diary = []
  const result = await run(plan(scenarioOf([fails])), components(diary), quiet)
  t.same(diary.slice(2), ['collect /evidence', 'uninstall the target', 'remove the cluster'])
  t.equal(result.conclusion, 'failed')
})

t.test('a target that never serves ends the run with its error, and nothing stays', async (t) => {
  const diary: Diary = []
  const target = targetDouble(diary, {
    ready: () => Promise.reject(new TargetError('not-ready', 'ready on 1 of 3 nodes')),
  })
  await t.rejects(run(plan(scenarioOf([passes])), components(diary, { target }), quiet), {
    message: 'ready on 1 of 3 nodes',
  })
  t.same(diary.slice(2), ['uninstall the target', 'remove the cluster'])
})

t.test('a load node that the cluster has not ends the run before the target comes', async (t) => {
  const diary: Diary = []
  const bench = {
    questions: [],
    pairs: 1,
    seed: 1,
    loadNodes: ['edge-node-c'],
    prepare: () => Promise.reject(new Error('too late')),
  }
  await t.rejects(run({ ...plan(scenarioOf([passes])), bench }, components(diary), quiet), {
    code: 'usage',
    message: '--load-nodes: there is no node edge-node-c',
  })
  t.same(diary, ['create the cluster', 'remove the cluster'])
})

t.test('who keeps the cluster is told its name', async (t) => {
  const told: string[] = []
  const provider = {
    ...providerDouble([]),
    create: () =>
      Promise.resolve({ ...clusterDouble([]), name: 'meshmark-1', keep: () => Promise.resolve() }),
  }
  await run({ ...plan(scenarioOf([passes])), keep: true }, components([], { provider }), {
    ...quiet,
    tell: (event) => told.push('line' in event ? event.line : ''),
  })
  t.match(
    told.join('\n'),
    'use it with --cluster meshmark-1, remove it with: meshmark down meshmark-1',
  )
})

t.test('an interrupted run gives a partial result that proves nothing', async (t) => {
  const diary: Diary = []
  const stop = new AbortController()
  const interrupted: Step = {
    ...passes,
    run: () => {
      stop.abort()
      return passes.run({} as Parameters<Step['run']>[0])
    },
  }
  const result = await run(plan(scenarioOf([interrupted, passes])), components(diary), {
    ...quiet,
    signal: stop.signal,
  })
  t.match(result, { partial: true, conclusion: 'inconclusive' })
  t.same(diary.slice(-2), ['uninstall the target', 'remove the cluster'])
})

t.test('a clean-up that was not complete is told, and the run is no longer a pass', async (t) => {
  const diary: Diary = []
  const provider = {
    ...providerDouble(diary),
    create: () =>
      Promise.resolve({
        ...clusterDouble(diary),
        [Symbol.asyncDispose]: () => Promise.reject(new Error('a namespace is held')),
      }),
  }
  const result = await run(plan(scenarioOf([passes])), components(diary, { provider }), quiet)
  t.match(result, {
    conclusion: 'inconclusive',
    problems: ['clean-up was not complete: a namespace is held'],
  })
})
