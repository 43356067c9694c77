import type { GateControl, GateMetric, GateResult, GateRule, GateVerdict } from '../model/gate.ts'
import type { Conclusion, PairedEffect } from '../model/run-result.ts'
import { absent, number, percent, quantity } from './format.ts'
import { counted } from './text.ts'

/** A verdict as people say it. */
export const gateWords: Readonly<Record<GateVerdict, string>> = {
  regressed: 'worse',
  improved: 'better',
  ok: 'not worse',
  inconclusive: 'undecided',
  invalid: 'not valid',
}

/** The look of a verdict. */
export const gateLooks: Readonly<Record<GateVerdict, Conclusion>> = {
  regressed: 'failed',
  improved: 'passed',
  ok: 'passed',
  inconclusive: 'inconclusive',
  invalid: 'invalid',
}

/** `git:v0.1.0 (meshmark reference data plane 0.1.0)`. */
export function baselineName({ baseline }: GateResult): string {
  const { project, version } = baseline.implementation
  return `${baseline.spec} (${project} ${version})`
}

/** The verdict of a session in one sentence, without its subject. */
export function gateText(gate: GateResult): string {
  const gated = gate.metrics.filter(({ isGated }) => isGated)
  const having = (verdict: GateVerdict): string =>
    `${gated.filter((metric) => metric.verdict === verdict).length} of ${counted(gated.length, 'gated metric')}`
  const improved = gated.filter(({ verdict }) => verdict === 'improved').length
  const against = baselineName(gate)
  const noise = gate.isSameProgram ? '; both are the same program' : ''
  switch (gate.verdict) {
    case 'regressed':
      return `worse than ${against}: ${having('regressed')} got worse by the margin or more${noise}`
    case 'improved':
      return `better than ${against}: ${having('improved')} improved, none got worse${noise}`
    case 'ok':
      return `not worse than ${against}: none of ${counted(gated.length, 'gated metric')} got worse by the margin or more${noise}`
    case 'inconclusive':
      return `compared with ${against}: ${having('inconclusive')} could not be decided, none was found worse${improved > 0 ? `, ${improved} improved` : ''}${noise}`
    case 'invalid':
      return `compared with ${against}: ${gate.reasons[0] ?? 'nothing was measured'}${noise}`
  }
}

/** What the rule was, in words. */
export function ruleText({ rule, profile }: Pick<GateResult, 'rule' | 'profile'>): string {
  return `Rule ${profile}: looks at ${looksText(rule)} pairs; all gated metrics together are called worse by mistake in at most ${percent(rule.familyAlpha, 0)} of sessions, one that got worse by just its margin is called "not worse" in at most ${percent(rule.okError)}.`
}

function looksText({ looks }: GateRule): string {
  return looks.map(({ pairs }) => String(pairs)).join(', ')
}

/** `−3.1 %`: a ratio as a change. */
export function changeText(ratio: number | undefined): string {
  if (ratio === undefined) return absent
  const change = (ratio - 1) * 100
  const text = Math.abs(change) >= 1000 ? number(Math.abs(change)) : Math.abs(change).toFixed(1)
  return `${text === '0.0' ? '' : change < 0 ? '−' : '+'}${text}\u00A0%`
}

/** `−5.0 % to +1.2 %`. */
export function changeInterval({ interval }: Pick<GateMetric | GateControl, 'interval'>): string {
  return interval === undefined
    ? absent
    : `${changeText(interval[0])} to ${changeText(interval[1])}`
}

/** Its numbers, each with its unit: baseline, candidate, change, interval, margin, and what the session could find. */
export function metricNumbers(metric: GateMetric): readonly string[] {
  return [
    quantity(metric.baseline, metric.unit),
    quantity(metric.candidate, metric.unit),
    changeText(metric.ratio),
    changeInterval(metric),
    percent(metric.margin),
    percent(metric.detectable),
  ]
}

/** What `metricNumbers` are. */
export const metricNumberNames: readonly string[] = [
  'baseline',
  'candidate',
  'change',
  'interval',
  'margin',
  'detectable',
]

/** A probability as people write it. */
export function pText(p: number): string {
  return p >= 0.0001 ? number(p) : '< 0.0001'
}

/** A metric as the effect that pictures show. */
export function effectOf(metric: GateMetric): PairedEffect | undefined {
  if (metric.ratio === undefined || metric.pairs.length === 0) return undefined
  return {
    metric: `${metric.id}, candidate over baseline`,
    kind: 'ratio',
    unit: 'x',
    estimate: metric.ratio,
    ...(metric.interval !== undefined && { interval: metric.interval }),
    ...(metric.confidence !== undefined && { confidence: metric.confidence }),
    pairs: metric.pairs,
  }
}
