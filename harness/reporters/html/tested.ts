import type { RunResult } from '../../model/run-result.ts'
import { duration, instant } from '../format.ts'
import { suiteText } from '../reproduce.ts'
import { section, type Frame } from './frame.ts'
import { markup, type Markup, type Part } from './markup.ts'
import { facts } from './table.ts'

/** What was tested, where, when and with what. */
export function tested(result: RunResult, frame: Frame): Markup {
  const { implementation, cluster } = result
  const entries: readonly (readonly [string, Part])[] = [
    [
      'Implementation',
      markup`<strong>${implementation.project}</strong> ${implementation.version}`,
    ],
    [
      'Made by',
      [link(implementation.url, implementation.organization), contacts(implementation.contact)],
    ],
    ['Target adapter', markup`<code>${implementation.target}</code>`],
    ...(implementation.mode === undefined ? [] : [['Mode', implementation.mode] as const]),
    ['Started', markup`<time datetime="${result.startedAt}">${instant(result.startedAt)}</time>`],
    ['Took', duration(result.durationMs)],
    ['Cluster', `provider ${cluster.provider}, ready in ${duration(cluster.readyMs)}`],
    ...(cluster.targetReadyMs === undefined
      ? []
      : ([
          ['Data plane ready', `${duration(cluster.targetReadyMs)} after its deployment began`],
        ] as const)),
    ['Suite', suiteText(result)],
    ['Run', markup`<code>${result.runId}</code>`],
  ]
  return section(frame, 'tested', 'What was tested', facts(entries))
}

function contacts(names: readonly string[]): string {
  return names.length === 0 ? '' : ` (${names.join(', ')})`
}

/** A link only where the address is one of the web; anything else stays text. */
export function link(url: string, text: string): Markup {
  return /^https?:\/\//i.test(url)
    ? markup`<a href="${url}" rel="noreferrer">${text}</a>`
    : markup`${text}`
}
