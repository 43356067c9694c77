/**
 * The same requests to the embedded API server and to the real kube-apiserver: whatever differs is in
 * differences.yaml with its reason, and nothing else may. That file is the measure of the embedded one.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import type { Cluster } from '../../../model/cluster.ts'
import { cannotRunLocal } from '../../../testing/needs-local.ts'
import { root } from '../../../testing/sources.ts'
import { type ControlPlane, local } from '../provider.ts'
import { defaultTopology } from '../topology.ts'
import { apiRequests } from './api-requests.ts'
import { type Answer, comparable, differences } from './compare.ts'

const signal = AbortSignal.timeout(240_000)
const real = local({ packageDirectory: root, controlPlane: 'envtest' })
const [problem] = await real.preflight({ signal })
const skip = (await cannotRunLocal()) || (problem === undefined ? false : problem.message)
const file = join(root, 'harness', 'clusters', 'local', 'envtest', 'differences.yaml')

t.test(
  'the embedded API server answers as the real one does, but for the known differences',
  {
    skip,
  },
  async (t) => {
    const known = (parse(readFileSync(file, 'utf8')) ?? {}) as Readonly<Record<string, string>>
    const [ours, theirs] = await Promise.all([answers('embedded'), answers('envtest')])
    for (const { name } of apiRequests) {
      const found = differences(ours.get(name), theirs.get(name))
      const reason = known[name]
      if (reason === undefined) t.same(found, [], name)
      else t.not(found.length, 0, `known to differ, and still does: ${name}: ${reason}`)
    }
    t.same(
      Object.keys(known).filter((name) => !apiRequests.some((request) => request.name === name)),
      [],
      'every known difference belongs to a request',
    )
  },
)

async function answers(controlPlane: ControlPlane): Promise<ReadonlyMap<string, Answer>> {
  const provider = local({ packageDirectory: root, controlPlane })
  const runId = `api-${controlPlane}`
  await using cluster = await provider.create(defaultTopology(), { runId, signal })
  const found = new Map<string, Answer>()
  for (const { name, ...request } of apiRequests) found.set(name, await answerTo(cluster, request))
  return found
}

async function answerTo(
  { kube }: Cluster,
  { method, path, ...options }: Omit<(typeof apiRequests)[number], 'name'>,
): Promise<Answer> {
  const { status, body } = await kube.request(method, path, { signal, ...options })
  return comparable(status, body)
}
