import type { BareState, CheckContext, Cluster } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { answeredBy } from '../l4/follow.ts'
import { endpointOf, fixturePods, ownService } from '../l4/own-service.ts'
import { Judgement } from '../support/judgement.ts'
import { lineDifference, podResolvConf, statesOf } from '../support/node-state.ts'
import { inPod } from '../support/positions.ts'

/** What was seen of one removal of the target, on every node. */
export interface RemovalStory {
  /** It served before; when it did not, nothing below says anything. */
  readonly served: boolean
  readonly use: string
  /** While it was installed: resolv.conf of running pods by node. */
  readonly podsBefore: Readonly<Record<string, string>>
  /** After its removal, when everything is as before or the time was up. */
  readonly after: BareState
  /** Nodes on which processes of it run on: this target belongs to its cluster and cannot be taken off. */
  readonly stays: readonly string[]
}

interface Told {
  readonly story: Promise<RemovalStory>
  readonly askedBy: Set<string>
}

const told = new WeakMap<Cluster, Told>()

/**
 * One removal serves all rows that look at what is left: it is told once for a cluster, and again to a row that asks a
 * second time. The target serves again when this resolves.
 */
export function removalStory(context: CheckContext, row: string): Promise<RemovalStory> {
  const known = told.get(context.cluster)
  if (known !== undefined && !known.askedBy.has(row)) {
    known.askedBy.add(row)
    return known.story
  }
  const story = remove(context)
  story.catch(() => told.delete(context.cluster))
  told.set(context.cluster, { story, askedBy: new Set([row]) })
  return story
}

async function remove(context: CheckContext): Promise<RemovalStory> {
  const { target, nodes } = context
  const [pod] = await fixturePods(context)
  const use = new Judgement()
  const own = await ownService(context, { endpoints: [endpointOf(pod)] })
  const front = { at: inPod(context), host: own.host, port: 81 }
  const { ok: served, told: said } = await answeredBy(context, use, 'installed', front, [pod.name])
  const podsBefore = Object.fromEntries(
    await Promise.all(
      nodes.map(async ({ name }) => [name, await podResolvConf(context, name)] as const),
    ),
  )
  if (!served) return { served, use: said, podsBefore, after: {}, stays: [] }
  const pids = target.pids?.bind(target)
  const { reinstall } = await target.uninstall()
  const stays: string[] = []
  for (const { name } of nodes)
    if (pids !== undefined && (await pids(name, context)).length > 0) stays.push(name)
  const before = context.before()
  const { seen } = await eventually(
    async () => Object.fromEntries(await statesOf(context)),
    (after) => Object.keys(differences(before, after)).length === 0 || stays.length > 0,
    { withinMs: context.threshold('convergenceMs'), everyMs: 1_000, signal: context.signal },
  )
  await reinstall(context)
  return { served, use: said, podsBefore, after: seen, stays }
}

/** What differs, by `NODE SECTION`. */
export function differences(
  before: BareState,
  after: BareState,
): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {}
  for (const [node, sections] of Object.entries(after))
    for (const [section, text] of Object.entries(sections)) {
      const lines = lineDifference(before[node]?.[section] ?? '', text)
      if (lines.length > 0) found[`${node} ${section}`] = lines
    }
  return found
}
