import { median } from 'd3-array'
import type { BenchArm, BenchQuestion, BenchResult, PairedEffect } from '../../model/run-result.ts'
import { absent, count, effectText, intervalText, number, percent, unitText } from '../format.ts'
import type { Curve } from './charts/latency-curve.ts'
import { quantileUs } from './distribution.ts'
import { markup, type Markup, type Part } from './markup.ts'
import { numberColumn, proseColumn, table, textColumn } from './table.ts'

/** Per way: the metric, quantiles of all valid trials together, CPU per request. */
export function armsTable(question: BenchQuestion, curves: readonly Curve[], id: string): Markup {
  const quantiles = curves.length > 0
  return table({
    id: `${id}-arms`,
    caption: markup`In numbers${quantiles && ': quantiles over all valid trials; – where fewer than 50 samples lie beyond'}`,
    columns: [
      textColumn('way'),
      numberColumn(`median of trials, ${unitText(question.unit)}`),
      ...(quantiles
        ? ['p50', 'p90', 'p99', 'p99.9'].map((name) => numberColumn(`${name}, µs`))
        : []),
      numberColumn('data plane CPU, µs/req'),
      numberColumn('valid trials'),
    ],
    rows: question.arms.map((arm) => {
      const all = curves.find((curve) => curve.arm === arm.id)?.all
      return [
        question.arms.length > 1 ? arm.id : arm.label,
        number(arm.value),
        ...(quantiles
          ? [0.5, 0.9, 0.99, 0.999].map((share) =>
              all === undefined ? absent : number(quantileUs(all, share)),
            )
          : []),
        number(cpuUsPerRequest(arm)),
        `${arm.trials.filter((trial) => trial.valid).length} of ${arm.trials.length}`,
      ]
    }),
  })
}

/** Median over the valid trials. */
export function cpuUsPerRequest(arm: BenchArm): number | undefined {
  return median(
    arm.trials.filter((trial) => trial.valid).flatMap((trial) => trial.targetCpuUsPerRequest ?? []),
  )
}

/** Each pair with what both of its trials measured and what follows. */
export function pairsTable(question: BenchQuestion, effect: PairedEffect, id: string): Markup {
  const unit = unitText(question.unit)
  const complete = completePairs(question)
  const rows: readonly (readonly Part[])[] = effect.pairs.map((value, at) => [
    String(at + 1),
    number(complete[at]?.[0]),
    number(complete[at]?.[1]),
    effectText(value, effect),
  ])
  return table({
    id: `${id}-pairs-table`,
    caption: `Pairs: ${effect.metric}. Hodges-Lehmann estimate ${effectText(effect.estimate, effect)}, interval ${intervalText(effect)} at ${percent(effect.confidence)} confidence.`,
    columns: [
      numberColumn('pair'),
      numberColumn(`direct, ${unit}`),
      numberColumn(`target, ${unit}`),
      numberColumn(effect.kind === 'ratio' ? 'target over direct' : 'target minus direct'),
    ],
    rows,
  })
}

/** The values of pairs in which both trials are valid, in order. */
function completePairs({
  arms: [first, second],
}: BenchQuestion): readonly (readonly [number, number])[] {
  return (first?.trials ?? []).flatMap((trial) => {
    const other = second?.trials.find((candidate) => candidate.pair === trial.pair)?.value
    return trial.value === undefined || other === undefined ? [] : [[trial.value, other] as const]
  })
}

/** Every trial, in the order in which they ran, those that are not used with their reason. */
export function trialsTable(
  question: BenchQuestion,
  order: BenchResult['order'],
  id: string,
): Markup {
  const position = (arm: string, pair: number): number =>
    order.findIndex((one) => one.question === question.id && one.arm === arm && one.pair === pair)
  const rows = question.arms
    .flatMap((arm) => arm.trials.map((trial) => ({ arm, trial, at: position(arm.id, trial.pair) })))
    .sort((a, b) => a.at - b.at)
  const columns = optionalColumns.filter(({ of }) =>
    rows.some(({ trial }) => of(trial) !== undefined),
  )
  return table({
    id: `${id}-trials`,
    caption: 'Trials in the order in which they ran, counted over the whole benchmark',
    columns: [
      numberColumn('ran as'),
      textColumn('way'),
      numberColumn('pair'),
      numberColumn(unitText(question.unit)),
      numberColumn('requests'),
      numberColumn('achieved, req/s'),
      ...columns.map(({ title }) => numberColumn(title)),
      numberColumn('generator busy'),
      textColumn('failures'),
      rows.every(({ trial }) => trial.valid) ? textColumn('used') : proseColumn('used'),
    ],
    rows: rows.map(({ arm, trial, at }) => [
      at < 0 ? absent : String(at + 1),
      arm.id,
      String(trial.pair + 1),
      number(trial.value),
      count(trial.count),
      number(trial.achievedRps),
      ...columns.map(({ of }) => number(of(trial))),
      percent(trial.generatorUtilization, 0),
      failuresText(trial.failures),
      trial.valid ? 'yes' : `no: ${trial.invalid.join('; ')}`,
    ]),
  })
}

type Trial = BenchArm['trials'][number]

const optionalColumns: readonly {
  readonly title: string
  readonly of: (trial: Trial) => number | undefined
}[] = [
  { title: 'p50, µs', of: (trial) => trial.p50Us },
  { title: 'p90, µs', of: (trial) => trial.p90Us },
  { title: 'p99, µs', of: (trial) => trial.p99Us },
  { title: 'p99.9, µs', of: (trial) => trial.p999Us },
  { title: 'lag p99, µs', of: (trial) => trial.lagP99Us },
  { title: 'CPU, µs/req', of: (trial) => trial.targetCpuUsPerRequest },
]

function failuresText(failures: Trial['failures']): string {
  const all = Object.entries(failures).filter(([, times]) => times > 0)
  return all.length === 0
    ? 'none'
    : all.map(([name, times]) => `${count(times)} ${name}`).join(', ')
}
