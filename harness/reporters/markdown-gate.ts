import type { GateResult } from '../model/gate.ts'
import { absent, percent, quantity } from './format.ts'
import { changeInterval, changeText, gateWords, ruleText } from './gate.ts'
import { inline, table } from './markdown-text.ts'

/** A candidate against its baseline, for a pull request. */
export function gateBlocks(gate: GateResult): readonly string[] {
  return [
    '### Candidate against baseline',
    table(
      ['metric', 'verdict', 'baseline', 'candidate', 'change', 'interval', 'margin', 'detectable'],
      [':--', ':--', '--:', '--:', '--:', '--:', '--:', '--:'],
      gate.metrics.map((metric) => [
        metric.id,
        `${gateWords[metric.verdict]}${metric.isGated ? '' : ' (not gated)'}`,
        quantity(metric.baseline, metric.unit),
        quantity(metric.candidate, metric.unit),
        changeText(metric.ratio),
        changeInterval(metric),
        percent(metric.margin),
        metric.detectable === undefined ? absent : percent(metric.detectable),
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
