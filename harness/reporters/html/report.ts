import type { Reporter } from '../../model/reporter.ts'
import { htmlDocument, type Detail } from './document.ts'

/** Browsers and mail programs cope with this; more belongs into result.json. */
const maxBytes = 2 * 1024 * 1024

/** From all there is to what must not be missing. */
const details: readonly [Detail, ...Detail[]] = [
  { carried: 'everything', trials: true },
  { carried: 'without-histograms', trials: true },
  { carried: 'without-histograms', trials: false },
  { carried: 'nothing', trials: false },
]

/** One self-contained HTML file, below 2 MiB wherever leaving out raw data and single trials achieves that. */
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
