import type { Assessment, Check, CheckContext } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { bareNodes, lineDifference, type Section } from '../support/node-state.ts'
import { differences, type RemovalStory, removalStory } from './removal-story.ts'

/** Lines of a difference that a finding quotes. */
const quoted = 12

interface Row {
  readonly requirement: string
  readonly looksAt: string
  readonly sections: readonly Section[]
  /** Lines that may differ. */
  readonly tolerates?: (line: string, context: CheckContext) => boolean
}

const rows: readonly Row[] = [
  { requirement: 'HYG-UN-001', looksAt: 'rules of nftables and iptables', sections: ['rules'] },
  {
    requirement: 'HYG-UN-003',
    looksAt: 'devices, addresses, routes',
    sections: ['devices', 'routes'],
  },
  { requirement: 'HYG-UN-005', looksAt: 'sysctls below net', sections: ['sysctls'] },
  {
    requirement: 'HYG-UN-007',
    looksAt: 'listeners, programs, named network namespaces, files of system folders',
    sections: ['listeners', 'processes', 'namespaces', 'files'],
    tolerates: (line, { target }) =>
      (target.documented?.files ?? []).some((path) => line.slice(2).startsWith(path)),
  },
]

const usual = {
  capabilities: ['node-access'],
  fixtures: [backends],
  before: bareNodes,
  timeoutMs: 300_000,
} as const satisfies Partial<Check>

/** What is left on nodes when the target is removed the documented way. */
export const removal: readonly Check[] = [
  ...rows.map(({ requirement, looksAt, sections, tolerates }): Check => ({
    ...usual,
    requirement,
    sends: `nothing; on every node looks at ${looksAt} before the target was ever deployed, and when it has served and was removed`,
    expects: 'nothing is there that was not there before, and nothing is missing',
    run: async (context) => {
      const story = await removalStory(context, requirement)
      const judgement = begun(story)
      const cannot = cannotJudge(judgement, story)
      if (cannot !== undefined) return cannot
      const found = differences(context.before(), story.after)
      for (const node of Object.keys(story.after))
        for (const section of sections) {
          const lines = (found[`${node} ${section}`] ?? []).filter(
            (line) => tolerates?.(line, context) !== true,
          )
          judgement.set(`${node}: ${section} that differ`, [], lines.slice(0, quoted))
        }
      return judgement.assessment(
        `${sections.join(', ')} of ${Object.keys(story.after).length} nodes are as before the installation`,
      )
    },
  })),
  {
    ...usual,
    requirement: 'HYG-UN-004',
    sends:
      'nothing; reads /etc/resolv.conf of every node and of a running pod on it, before the target was ever deployed, while it serves (pods), and when it was removed',
    expects: 'each is the same byte for byte',
    run: async (context) => {
      const story = await removalStory(context, 'HYG-UN-004')
      const judgement = begun(story)
      const cannot = cannotJudge(judgement, story)
      if (cannot !== undefined) return cannot
      const before = context.before()
      for (const [node, now] of Object.entries(story.after)) {
        const was = before[node] ?? {}
        judgement
          .equal(`${node}, removed`, was['resolv.conf'], now['resolv.conf'])
          .equal(`pod on ${node}, installed`, was['pod'], story.podsBefore[node])
          .equal(`pod on ${node}, removed`, was['pod'], now['pod'])
      }
      const lines = Object.values(story.after).flatMap(({ pod = '' }) => lineDifference('', pod))
      return judgement.assessment(`the same everywhere; in pods: ${[...new Set(lines)].join(', ')}`)
    },
  },
]

function begun({ served, use }: RemovalStory): Judgement {
  return new Judgement().holds('before the removal', 'a Service is served', use, served)
}

/** Whether the story says nothing, or that the target did not even serve. */
function cannotJudge(
  judgement: Judgement,
  { served, stays }: RemovalStory,
): Assessment | undefined {
  if (!served) return judgement.assessment('')
  if (stays.length > 0)
    return skipped(`it runs on after its removal (${stays.join(', ')}): it belongs to the cluster`)
  return undefined
}
