import type { RunResult } from '../../model/run-result.ts'
import { number } from '../format.ts'
import { section } from './frame.ts'
import { Markup, markup } from './markup.ts'

/** How much of the results the document carries. */
export type Carried = 'everything' | 'without-histograms' | 'nothing'

const told: Readonly<Record<Carried, string>> = {
  everything: 'The whole result is part of this file',
  'without-histograms':
    'The result is part of this file, without its histograms for the sake of size',
  nothing: 'The result is too large to be part of this file: see result.json beside it',
}

/** The results themselves, for programs: a list, whatever the number of runs. */
export function rawData(results: readonly RunResult[], carried: Carried): Markup {
  const shown = carried === 'nothing' ? [] : results
  const leaveOut = carried === 'everything' ? undefined : withoutHistograms
  // why: nothing in a string may end the script element
  const json = JSON.stringify(shown, leaveOut).replaceAll('<', String.raw`\u003c`)
  return section(
    { prefix: '', level: 2 },
    'data',
    'Data',
    markup`<p>${told[carried]}${carried !== 'nothing' && markup`: JSON in the element <code>#meshmark-results</code>, ${number(json.length / 1024)} KiB`}.</p>
<p id="download"></p>
<script type="application/json" id="meshmark-results">${new Markup(json)}</script>`,
  )
}

/** For JSON.stringify. */
function withoutHistograms(key: string, value: unknown): unknown {
  return key === 'histogram' ? undefined : value
}
