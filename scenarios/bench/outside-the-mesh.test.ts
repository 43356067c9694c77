import t from 'tap'
import {
  type ExperimentContext,
  type LoadJob,
  type LoadResult,
  type Replicate,
  Skip,
} from '../../harness/api.ts'
import { outsideTheMesh } from './outside-the-mesh.ts'

/** A target that adds 40 µs and takes a fifth of the new connections while it is installed. */
function scene(agents: readonly number[] | undefined): {
  readonly context: ExperimentContext
  readonly told: string[]
} {
  const told: string[] = []
  let isInstalled = true
  const run = ({ profile }: LoadJob): Promise<LoadResult> =>
    Promise.resolve({
      invalid: [],
      response: { p50Us: isInstalled ? 140 : 100 },
      achievedRps: profile.kind === 'closed-loop' && isInstalled ? 4_000 : 5_000,
    } as unknown as LoadResult)
  const context = {
    cluster: { nodes: ['a', 'b'].map((name) => ({ name, role: 'edge' })) },
    facts: { podIp: '10.0.0.1', podPort: 8080, serviceName: 's', path: '/', bodySha256: '' },
    target: {
      ...(agents !== undefined && { pids: () => Promise.resolve(isInstalled ? agents : []) }),
      usage: () => Promise.resolve({ cpuUs: 1, rssBytes: 1, openFiles: 1 }),
      uninstall: () => {
        isInstalled = false
        told.push('off')
        return Promise.resolve({
          reinstall: () => {
            isInstalled = true
            told.push('on')
            return Promise.resolve()
          },
        })
      },
    },
    replicates: 2,
    seed: 1,
    random: () => 0.4,
    load: () => Promise.resolve({ run }),
    signal: AbortSignal.timeout(60_000),
  } as unknown as ExperimentContext
  return { context, told }
}

async function found({ context }: ReturnType<typeof scene>): Promise<readonly Replicate[]> {
  const all: Replicate[] = []
  for await (const replicate of outsideTheMesh.run(context)) all.push(replicate)
  return all
}

t.test(
  'what the target adds to traffic past it is what is measured, and it stands afterwards',
  async (t) => {
    const one = scene([7])
    t.match(await found(one), [
      {
        values: { 'added-us': 40, 'connections-percent': 80 },
        note: '140 µs with the target, 100 µs without',
      },
      { values: { 'added-us': 40, 'connections-percent': 80 } },
    ])
    t.equal(one.told.at(-1), 'on')
  },
)

t.test('without an agent there is nothing to take off: the question is skipped', async (t) => {
  for (const agents of [undefined, []]) {
    const one = scene(agents)
    await t.rejects(found(one), new Skip('the target has no agent on this node'))
    t.same(one.told, [])
  }
})
