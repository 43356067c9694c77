import { cut } from '../text.ts'
import { markup, type Markup } from './markup.ts'

/** Longer outputs are folded. */
const maxOpenLines = 6

/** Characters of one output that the report shows at most; result.json has all of it. */
const maxTextLength = 8_000

/** Lines longer than this may need to be scrolled on a phone, so the box has to be reachable by keyboard. */
const narrowColumns = 36

/** What a person would type. */
export function command(text: string): Markup {
  return markup`<pre class="command"><span class="prompt" aria-hidden="true">$ </span><code>${cut(text, maxTextLength)}</code></pre>`
}

/** What somebody saw or expected: one line as it is, several in a box, many folded. */
export function output(text: string, mayStayOpen: boolean): Markup {
  const lines = text.trimEnd().split('\n')
  if (lines.length === 1) return markup`${cut(text, maxTextLength)}`
  const box = markup`<pre${scrolls(text)}>${cut(text.trimEnd(), maxTextLength)}</pre>`
  if (lines.length <= maxOpenLines) return box
  return markup`<details${mayStayOpen && markup` open`}><summary>${lines.length} lines, beginning with <code>${lines[0]}</code></summary>${box}</details>`
}

function scrolls(text: string): Markup | false {
  return text.split('\n').some((line) => line.length > narrowColumns) && markup` tabindex="0"`
}
