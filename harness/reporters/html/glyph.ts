import type { TestStatus } from '../../model/conformance.ts'
import type { Conclusion, StepResult } from '../../model/run-result.ts'
import { Markup, markup } from './markup.ts'

type Status = Conclusion | StepResult['status'] | TestStatus

const doubt =
  '<rect class="g" x="1.5" y="1.5" width="21" height="21" rx="5"/><path d="M8.9 9.2a3.1 3.1 0 1 1 4.6 2.7c-1 .6-1.5 1.1-1.5 2.3M12 17.6v.5"/>'

const left = '<circle class="o" cx="12" cy="12" r="10.2"/><path class="k" d="M7.5 12h9"/>'

/** Each has a shape of its own, so that neither colour nor size is needed to tell them apart. */
const shapes: Readonly<Record<Status, string>> = {
  passed: '<circle cx="12" cy="12" r="11"/><path d="M6.8 12.4l3.6 3.6 6.8-7.4"/>',
  failed:
    '<path class="g" d="M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z"/><path d="M8 8l8 8M16 8l-8 8"/>',
  invalid: '<path class="g" d="M12 1.6L23.2 22H.8z"/><path d="M12 8.8v6.2M12 18.2v.6"/>',
  inconclusive: doubt,
  error: doubt,
  skipped: left,
  notSupported: left,
  flaky: '<path class="g" d="M12 1L23 12 12 23 1 12z"/><path d="M9 8.5v7M15 8.5v7"/>',
  knownIssue:
    '<path class="g o" d="M7.9 2h8.2L22 7.9v8.2L16.1 22H7.9L2 16.1V7.9z"/><path class="k" d="M8.5 8.5l7 7M15.5 8.5l-7 7"/>',
}

/** A decoration: the word stands beside it. */
export function glyph(status: Status): Markup {
  return markup`<svg class="glyph s-${status}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${new Markup(shapes[status])}</svg>`
}
