import type { Conclusion, StepResult } from '../../model/run-result.ts'
import { Markup, markup } from './markup.ts'

/** Each has a shape of its own, so that neither colour nor size is needed to tell them apart. */
const shapes: Readonly<Record<Conclusion | StepResult['status'], string>> = {
  passed: '<circle cx="12" cy="12" r="11"/><path d="M6.8 12.4l3.6 3.6 6.8-7.4"/>',
  failed:
    '<path class="g" d="M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z"/><path d="M8 8l8 8M16 8l-8 8"/>',
  invalid: '<path class="g" d="M12 1.6L23.2 22H.8z"/><path d="M12 8.8v6.2M12 18.2v.6"/>',
  inconclusive:
    '<rect class="g" x="1.5" y="1.5" width="21" height="21" rx="5"/><path d="M8.9 9.2a3.1 3.1 0 1 1 4.6 2.7c-1 .6-1.5 1.1-1.5 2.3M12 17.6v.5"/>',
  skipped: '<circle class="o" cx="12" cy="12" r="10.2"/><path class="k" d="M7.5 12h9"/>',
}

/** A decoration: the word stands beside it. */
export function glyph(status: Conclusion | StepResult['status']): Markup {
  return markup`<svg class="glyph s-${status}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${new Markup(shapes[status])}</svg>`
}
