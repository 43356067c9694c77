import type { MetricKind } from '../../model/gate.ts'
import type { AskedPairs } from './trials.ts'

/** Whether less is better. */
export function betterOf({ question }: AskedPairs, kind: MetricKind): 'lower' | 'higher' {
  return kind === 'cpu' ? 'lower' : question.better
}
