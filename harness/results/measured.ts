import type { ExperimentResult } from '../model/experiment.ts'
import type { GateQuestion } from '../model/gate.ts'
import type { Describing, Measured } from '../model/measured.ts'
import type { BenchQuestion, BenchTrial, RunResult } from '../model/run-result.ts'

/** How sure the intervals are to be, where there are enough trials. */
const wantedConfidence = 0.95

/** Every number that a run measured, in the order of its questions. */
export function measuredIn({ bench, gate }: RunResult, describe: Describing): readonly Measured[] {
  return [
    ...(bench?.questions ?? []).flatMap((question) => ofQuestion(question, describe)),
    ...(bench?.experiments ?? []).flatMap(ofExperiment),
    ...(gate?.questions ?? []).flatMap((question) => ofSession(question, describe)),
  ]
}

type Numbers = Pick<Measured, 'value' | 'interval' | 'confidence' | 'trials'>

function ofQuestion(question: BenchQuestion, describe: Describing): readonly Measured[] {
  const { id, title, unit, better, load, effect } = question
  const trials = (arm: 'direct' | 'target'): readonly BenchTrial[] =>
    question.arms.find((one) => one.id === arm)?.trials ?? []
  const common = { load, from: 'bench' } as const
  return [
    ...numbers(trials('target'), valueOf, describe).map((found) => ({
      ...common,
      id: `${id}/value`,
      title,
      unit,
      better,
      ...found,
      ...(effect !== undefined && { effect }),
    })),
    ...cpu(question, trials('target'), 'bench', describe),
    ...numbers(trials('direct'), valueOf, describe).map((found) => ({
      ...common,
      id: `${id}/direct`,
      title: `${title} (the direct way)`,
      unit,
      better,
      ...found,
    })),
  ]
}

function ofExperiment({ id, title, load, metrics }: ExperimentResult): readonly Measured[] {
  return metrics.flatMap((metric) => {
    const { value, unit, better, interval, confidence, count, isCensored } = metric
    if (value === undefined) return []
    const slope = metric.summary === 'slope' ? ` per ${metric.per ?? 1} units of size` : ''
    return [
      {
        id: `${id}/${metric.id}`,
        title: `${title} ${metric.title}${slope}`,
        unit,
        better,
        load,
        from: 'experiment' as const,
        value,
        ...(isCensored === true && { isCensored }),
        ...(interval !== undefined && { interval }),
        ...(confidence !== undefined && { confidence }),
        trials: count,
      },
    ]
  })
}

function ofSession(question: GateQuestion, describe: Describing): readonly Measured[] {
  const { id, title, unit, better, load } = question
  const trials = question.arms.find((arm) => arm.id === 'candidate')?.trials ?? []
  return [
    ...numbers(trials, valueOf, describe).map((found) => ({
      id: `${id}/value`,
      title,
      unit,
      better,
      load,
      from: 'gate' as const,
      ...found,
    })),
    ...cpu(question, trials, 'gate', describe),
  ]
}

function cpu(
  { id, title, load }: Pick<BenchQuestion, 'id' | 'title' | 'load'>,
  trials: readonly BenchTrial[],
  from: Measured['from'],
  describe: Describing,
): readonly Measured[] {
  return numbers(trials, (trial) => trial.targetCpuUsPerRequest, describe).map((found) => ({
    id: `${id}/cpu`,
    title: `CPU per request: ${title}`,
    unit: 'us/req',
    better: 'lower',
    load,
    from,
    ...found,
  }))
}

const valueOf = (trial: BenchTrial): number | undefined => trial.value

/** One, or none where no valid trial has the number: what is missing is never a zero. */
function numbers(
  trials: readonly BenchTrial[],
  of: (trial: BenchTrial) => number | undefined,
  { median, medianInterval }: Describing,
): readonly Numbers[] {
  const values = trials
    .filter(({ valid }) => valid)
    .map(of)
    .filter((value) => value !== undefined)
  if (values.length === 0) return []
  const found = medianInterval(values, wantedConfidence)
  return [{ value: median(values), trials: values.length, ...found }]
}
