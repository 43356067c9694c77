import t from 'tap'
import type {
  Experiment,
  ExperimentContext,
  KubeObject,
  Replicate,
  Sighting,
  Watch,
  WatchJob,
} from '../../harness/api.ts'
import { convergenceDns, convergenceL4 } from './convergence.ts'
import { longestGapMs } from './sightings.ts'

/* A data plane that follows every write after a fixed time; the client is real enough to ask it every few ms. */

const signal = AbortSignal.timeout(60_000)

interface Plane {
  /** How long it goes on as before after a write. */
  readonly followsAfterMs: number
  /** It answers nobody meanwhile. */
  readonly failsMeanwhile?: boolean
  readonly isDns?: boolean
}

interface Measured {
  readonly found: readonly Replicate[]
  /** How long it really took to follow each write, in ms: timers are late on a busy machine. */
  readonly followed: readonly number[]
  /** The longest time in which the client did not ask. */
  readonly gapMs: number
}

async function measured(experiment: Experiment, plane: Plane, replicates = 4): Promise<Measured> {
  const followed: number[] = []
  let asks: readonly Sighting[] = []
  const suffix = plane.isDns === true ? 'dns' : 'l4'
  const pods = ['a', 'b'].map((letter, index) => ({
    name: `mm-convergence-${suffix}-${letter}`,
    ip: `10.0.0.${index + 1}`,
  }))
  let shown: readonly string[] = ['10.0.0.1']
  let isFailing = false
  let turn = 0
  const answer = (): Pick<Sighting, 'answered' | 'seen'> => {
    turn += 1
    if (isFailing) return { answered: false, seen: 'timed-out' }
    if (plane.isDns === true)
      return { answered: true, seen: shown.length === 0 ? 'NXDOMAIN' : shown.join(',') }
    const ip = shown[turn % Math.max(1, shown.length)]
    const pod = pods.find((one) => one.ip === ip)
    return pod === undefined
      ? { answered: false, seen: 'refused' }
      : { answered: true, seen: pod.name }
  }
  const kube = {
    typeOf: ({ kind }: { kind: string }) => Promise.resolve({ kind }),
    get: (_: unknown, { name }: { name: string }) =>
      Promise.resolve({
        metadata: { name },
        spec: { clusterIP: '10.96.0.1' },
        status: {
          podIP: pods.find((pod) => pod.name === name)?.ip,
          conditions: [{ type: 'Ready', status: 'True' }],
        },
      } as unknown as KubeObject),
    patch: (_: unknown, __: unknown, { endpoints }: { endpoints: { addresses: string[] }[] }) => {
      isFailing = plane.failsMeanwhile === true
      const writtenMs = performance.now()
      setTimeout(() => {
        shown = endpoints.flatMap(({ addresses }) => addresses)
        isFailing = false
        followed.push(performance.now() - writtenMs)
      }, plane.followsAfterMs)
      return Promise.resolve({})
    },
  }
  const timers: NodeJS.Timeout[] = []
  const watch = ({ everyMs }: WatchJob): Watch => {
    const sightings: Sighting[] = []
    asks = sightings
    const looks = new Set<() => void>()
    timers.push(
      setInterval(() => {
        sightings.push({ sentMs: performance.now(), tookMs: 0, ...answer() })
        for (const look of [...looks]) look()
      }, everyMs),
    )
    return {
      clockErrorMs: 0,
      sightings,
      until: (accept, { withinMs }) =>
        new Promise((resolve) => {
          const over = (is: boolean): void => {
            looks.delete(look)
            clearTimeout(timer)
            resolve(is)
          }
          const look = (): void => {
            if (accept(sightings)) over(true)
          }
          const timer = setTimeout(over, withinMs, false)
          looks.add(look)
        }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }
  const context = {
    cluster: { kube, nodes: ['a', 'b'].map((name) => ({ name, role: 'edge' })) },
    facts: { dnsServer: '10.96.0.10', clusterDomain: 'cluster.local' },
    replicates,
    random: () => 0,
    backendImage: () => Promise.resolve('backend'),
    apply: () => Promise.resolve(),
    watch: (_: unknown, job: WatchJob) => Promise.resolve(watch(job)),
    signal,
  } as unknown as ExperimentContext
  const found: Replicate[] = []
  try {
    for await (const replicate of experiment.run(context)) found.push(replicate)
  } finally {
    for (const timer of timers) clearInterval(timer)
  }
  const [first, last] = [asks[0]?.sentMs ?? 0, asks.at(-1)?.sentMs ?? 0]
  return { found, followed, gapMs: longestGapMs(asks, first, last) }
}

/** Everything but counts and error windows. */
const windows = (replicates: readonly Replicate[]): readonly number[] =>
  replicates.flatMap(({ values }) =>
    Object.entries(values).flatMap(([id, value]) =>
      /^(add|remove|first|last)-ms$/.test(id) ? [value] : [],
    ),
  )

for (const [experiment, isDns] of [
  [convergenceL4, false],
  [convergenceDns, true],
] as const)
  t.test(`${experiment.id}: each event takes as long as the data plane does`, async (t) => {
    for (const followsAfterMs of [60, 240]) {
      const { found, followed, gapMs } = await measured(experiment, { followsAfterMs, isDns })
      t.same(found.map(({ label }) => label).sort(), [
        'endpoint added',
        'endpoint removed',
        'first endpoint added (0 to 1)',
        'last endpoint removed (1 to 0)',
      ])
      t.equal(windows(found).length, 4)
      for (const [index, took] of windows(found).entries()) {
        const { label = '' } = found[index] ?? {}
        const trueMs = followed[index] ?? 0
        const told = `${label}: ${took} ms, in truth ${trueMs}, the client asks every ${gapMs} at worst`
        // why: of two pods each answers every second request
        t.ok(Math.abs(took - trueMs) <= 2 * gapMs + 1, told)
        t.ok(trueMs >= followsAfterMs - 1, told)
      }
      for (const { values } of found)
        t.notOk(values['errors'], 'nothing failed beside a living endpoint')
    }
  })

t.test('requests that fail beside a living endpoint are counted, with their window', async (t) => {
  const { found } = await measured(convergenceL4, { followsAfterMs: 100, failsMeanwhile: true }, 2)
  for (const { label, values, note } of found) {
    if (!('errors' in values)) continue
    t.ok((values['errors'] ?? 0) > 5, label)
    t.ok((values['error-ms'] ?? 0) > 50)
    t.match(note, /failed: timed-out$/)
  }
})
