import type { Reporter } from '../../model/reporter.ts'
import { htmlDocument, type Detail } from './document.ts'

/** Browsers and mail programs cope with this; more belongs into result.json. */
const maxBytes = 2 * 1024 * 1024

/** From all there is to what must not be missing. */
const details: readonly [Detail, ...Detail[]] = [
  { carried: 'everything', trials: true, rows: 'all' },
  { carried: 'without-histograms', trials: true, rows: 'all' },
  { carried: 'without-histograms', trials: false, rows: 'all' },
  { carried: 'nothing', trials: false, rows: 'all' },
  { carried: 'nothing', trials: false, rows: 'not-passed' },
]

/** One self-contained HTML file, below 2 MiB wherever leaving out raw data, single trials and rows that passed achieves that. */
export const html: Reporter = {
  id: 'html',
  extension: '.html',
  render: (results) => {
    let text = ''
    for (const detail of details) {
      text = htmlDocument(results, detail)
      if (Buffer.byteLength(text) < maxBytes) break
    }
    return text
  },
}
