import type { GateResult } from '../model/gate.ts'
import {
  changeInterval,
  changeText,
  gateWords,
  metricNumberNames,
  metricNumbers,
  ruleText,
} from './gate.ts'
import { inline, table } from './markdown-text.ts'

/** A candidate against its baseline, for a pull request. */
export function gateBlocks(gate: GateResult): readonly string[] {
  return [
    '### Candidate against baseline',
    table(
      ['metric', 'verdict', ...metricNumberNames],
      [':--', ':--', ...metricNumberNames.map(() => '--:')],
      gate.metrics.map((metric) => [
        metric.id,
        `${gateWords[metric.verdict]}${metric.isGated ? '' : ' (not gated)'}`,
        ...metricNumbers(metric),
      ]),
    ),
    [
      ...gate.reasons.map((reason) => `- ${inline(reason)}`),
      ...gate.controls.map(
        (control) =>
          `- control: ${control.title}: ${control.verdict}, ${changeText(control.ratio)} (${changeInterval(control)})`,
      ),
    ].join('\n'),
    `What is not gated is shown and decides nothing. ${ruleText(gate)}`,
  ]
}
