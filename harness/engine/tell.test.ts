import t from 'tap'
import { ResourceStack } from '../model/resource-stack.ts'
import type { Step } from '../model/scenario.ts'
import type { RunEvent } from './events.ts'
import { stage } from './stage.ts'
import { tellScenario } from './tell.ts'
import { clusterDouble, deployedDouble, probeDouble, scenarioOf } from './testing/doubles.ts'

const { signal } = new AbortController()
const passes: Step = {
  id: 'passes',
  title: 'it passes',
  command: 'true',
  run: () => Promise.resolve({ kind: 'passed', expected: 'a', seen: 'a' }),
}
const fails: Step = {
  ...passes,
  id: 'fails',
  run: () => Promise.resolve({ kind: 'failed', expected: 'a', seen: 'b', command: 'false' }),
}
const throws: Step = { ...passes, id: 'throws', run: () => Promise.reject(new Error('no disk')) }

function tell(
  steps: readonly Step[],
  more: {
    readonly signal?: AbortSignal
    readonly told?: RunEvent[]
    readonly diary?: string[]
  } = {},
): ReturnType<typeof tellScenario> {
  const diary = more.diary ?? []
  const scene = stage(clusterDouble(diary), deployedDouble(diary), {
    connectProbe: () => probeDouble,
    connectLoad: () => {
      throw new Error('no load here')
    },
  })
  return tellScenario(scenarioOf(steps), scene, {
    features: new Set(['l7-proxy']),
    tell: (event) => more.told?.push(event),
    signal: more.signal ?? signal,
  })
}

t.test('a step that throws is trouble of the harness, and hides no later answer', async (t) => {
  const told: RunEvent[] = []
  const { steps } = await tell([passes, throws, fails], { told })
  t.match(steps, [
    { status: 'passed', expected: 'a', seen: 'a', command: 'true' },
    { status: 'inconclusive', reason: 'no disk' },
    { status: 'failed', expected: 'a', seen: 'b', command: 'false' },
  ])
  t.same(
    told.map((event) => event.kind === 'step-finished' && event.step.id),
    ['passes', 'throws', 'fails'],
    'each is told when it is through',
  )
})

t.test(
  'a step whose feature the target does not claim is skipped by its name, not run',
  async (t) => {
    const { steps } = await tell([{ ...throws, needs: ['ipv6', 'l7-proxy'] }])
    t.match(steps, [{ status: 'skipped', reason: 'the target does not claim the feature ipv6' }])
  },
)

t.test(
  'after an interruption nothing more runs, and what was cut short is not judged',
  async (t) => {
    const stop = new AbortController()
    const interrupted: Step = {
      ...passes,
      run: (context) => {
        stop.abort()
        return Promise.reject(context.signal.reason as Error)
      },
    }
    const { steps } = await tell([interrupted, passes], { signal: stop.signal })
    t.match(steps, [
      { status: 'inconclusive', reason: 'the run was interrupted' },
      { status: 'skipped', reason: 'the run was interrupted' },
    ])
  },
)

t.test(
  'what a scenario made is removed at its end, the last first, whatever happened',
  async (t) => {
    const diary: string[] = []
    const makes = (id: string): Step => ({
      ...passes,
      id,
      run: (context) => {
        const held = new ResourceStack()
        held.defer(() => void diary.push(`remove ${id}`))
        context.keep(held)
        return Promise.resolve({ kind: 'passed', expected: '', seen: '' })
      },
    })
    await tell([makes('one'), makes('two'), throws], { diary })
    t.same(diary, ['remove two', 'remove one'])
  },
)
