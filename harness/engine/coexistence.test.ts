import t from 'tap'
import type { Cluster } from '../model/cluster.ts'
import type { Target } from '../model/target.ts'
import { coexistenceGuard } from './coexistence.ts'
import { stage } from './stage.ts'
import { tellScenario } from './tell.ts'
import { clusterDouble, deployedDouble, probeDouble } from './testing/doubles.ts'

const options = { signal: new AbortController().signal }
const alone = { id: 'mesh', kubeProxy: 'absent' } as Target

/** A cluster in which kube-proxy has taken so many connections each time it is asked. */
function counting(counts: readonly (number | undefined)[]): Cluster {
  let asked = -1
  const kubeProxyConnections = (): Promise<number | undefined> => {
    asked += 1
    return Promise.resolve(counts[Math.min(asked, counts.length - 1)])
  }
  return { ...clusterDouble([]), kubeProxyConnections }
}

t.test(
  'a kube-proxy that counts nothing is refused beside a target that must be alone',
  async (t) => {
    await t.rejects(coexistenceGuard(counting([undefined]), alone, options), {
      message: /nobody could tell which of them/,
      hint: /--kube-proxy-mode none/,
    })
    const own = await coexistenceGuard(
      counting([undefined]),
      { id: 'kube-proxy' } as Target,
      options,
    )
    t.equal(await own.foreignConnections(options), 0, 'a target that is kube-proxy is not')
  },
)

t.test('what kube-proxy took since the last look is counted', async (t) => {
  const guard = await coexistenceGuard(counting([5, 5, 8, 8]), alone, options)
  t.equal(await guard.foreignConnections(options), 0)
  t.equal(await guard.foreignConnections(options), 3)
  t.equal(await guard.foreignConnections(options), 0)
})

for (const { title, counts, status, runs } of [
  { title: 'a step without it passes', counts: [0], status: 'passed', runs: 1 },
  {
    title: 'a step that it helped once is run again',
    counts: [0, 1, 1],
    status: 'passed',
    runs: 2,
  },
  {
    title: 'a step that it helped twice is inconclusive',
    counts: [0, 1, 2],
    status: 'inconclusive',
    runs: 2,
  },
])
  t.test(`beside kube-proxy ${title}`, async (t) => {
    const cluster = counting(counts)
    const guard = await coexistenceGuard(cluster, alone, options)
    let ran = 0
    const run = (): Promise<{ kind: 'passed'; expected: string; seen: string }> => {
      ran += 1
      return Promise.resolve({ kind: 'passed', expected: 'a page', seen: 'a page' })
    }
    const scenario = {
      id: 's',
      title: 's',
      source: { title: 's' },
      steps: [{ id: 'a', title: 'a', run }],
    }
    const scene = stage(cluster, deployedDouble([]), {
      connectProbe: () => probeDouble,
      connectLoad: () => {
        throw new Error('no load here')
      },
    })
    const told = await tellScenario(scenario, scene, {
      ...options,
      features: new Set(),
      guard,
      tell: () => undefined,
    })
    t.match(told.steps, [{ status }])
    t.equal(ran, runs)
  })
