import { globPattern } from '../model/glob.ts'
import type { Experiment } from '../model/experiment.ts'
import { UsageError } from '../model/errors.ts'
import type { Question } from '../model/question.ts'
import { experiments, questions } from '../../scenarios/index.ts'
import { nearest } from './nearest.ts'

/** What a benchmark asks. */
export interface Asked {
  readonly questions: readonly Question[]
  readonly experiments: readonly Experiment[]
}

/** Asked when nobody names others: they keep the time budget of `npm run bench`. */
export const standardQuestions: readonly Question[] = questions.filter(
  ({ isStandard }) => isStandard === true,
)

/**
 * Questions and experiments whose ids fit one of the globs, in the order in which they are asked; the standard ones
 * when there is no glob.
 * @throws UsageError for a glob that fits none, naming the nearest
 */
export function askedBy(globs: readonly string[]): Asked {
  if (globs.length === 0) return { questions: standardQuestions, experiments: [] }
  const ids = [...questions, ...experiments].map(({ id }) => id)
  const patterns = globs.map((glob) => {
    const pattern = globPattern(glob)
    if (ids.some((id) => pattern.test(id))) return pattern
    const near = nearest(glob.replaceAll(/[*?]/g, ''), ids)
    throw new UsageError(`--only: "${glob}" is the name of no question`, [], {
      hint: `${near === undefined ? '' : `did you mean ${near}? `}meshmark bench --list shows all`,
    })
  })
  const fits = ({ id }: { readonly id: string }): boolean => patterns.some((one) => one.test(id))
  return { questions: questions.filter(fits), experiments: experiments.filter(fits) }
}

/** One question of either kind, as `--list` tells of it. */
export interface Listed {
  readonly id: string
  readonly question: string
  readonly means: string
  readonly isStandard: boolean
  readonly metrics: readonly {
    readonly title: string
    readonly unit: string
    readonly better: 'lower' | 'higher'
    readonly role: 'gated' | 'advisory'
    readonly margin: number
  }[]
  readonly needs: readonly string[]
  /** About how long it takes, in seconds. */
  readonly aboutS: { readonly quick: number; readonly full: number }
}

const samplesOfMedian = 130

/** How the number of pairs and the length of windows differ between the two sizes of a benchmark. */
export interface Sizes {
  readonly quick: { readonly pairs: number; readonly windowFactor: number }
  readonly full: { readonly pairs: number; readonly windowFactor: number }
}

export function listed(
  { questions: paired, experiments: others }: Asked,
  sizes: Sizes,
): readonly Listed[] {
  return [...paired.map((one) => listedQuestion(one, sizes)), ...others.map(listedExperiment)]
}

function listedQuestion(question: Question, sizes: Sizes): Listed {
  const { id, title, means, unit, better, role, margin, metric, arms, warmupMs, durationMs } =
    question
  const { profile } = question
  // why: where requests are rare the window grows until the median has its samples (engine/calibration.ts)
  const leastMs =
    question.calibration === undefined || profile.kind === 'closed-loop'
      ? 0
      : (samplesOfMedian / profile.rateRps) * 1000
  const seconds = ({ pairs, windowFactor }: Sizes['quick']): number =>
    Math.ceil(
      (pairs * arms.length * (warmupMs + Math.max(leastMs, durationMs * windowFactor))) / 1000,
    )
  return {
    id,
    question: title,
    means,
    isStandard: question.isStandard === true,
    metrics: [
      {
        title: metric === 'response-p50' ? 'median response time' : 'requests per second',
        unit,
        better,
        role,
        margin,
      },
    ],
    needs: needsOf(question),
    aboutS: { quick: seconds(sizes.quick), full: seconds(sizes.full) },
  }
}

function listedExperiment(experiment: Experiment): Listed {
  const { id, title, means, metrics, replicates, replicateS } = experiment
  return {
    id,
    question: title,
    means,
    isStandard: false,
    metrics: metrics.map(({ title: name, unit, better, role, margin }) => ({
      title: name,
      unit,
      better,
      role,
      margin,
    })),
    needs: needsOf(experiment),
    aboutS: {
      quick: Math.ceil(replicates.quick * replicateS),
      full: Math.ceil(replicates.full * replicateS),
    },
  }
}

function needsOf({ needs = [], capabilities = [] }: Pick<Question, 'needs' | 'capabilities'>) {
  return [...needs, ...capabilities]
}

/** The list for people: what is asked, what decides, what it needs, how long it takes. */
export function listText(all: readonly Listed[]): string {
  const width = Math.max(...all.map(({ id }) => id.length)) + 2
  const indent = ' '.repeat(width)
  return all
    .map((one) =>
      [
        `${one.id.padEnd(width)}${one.question}${one.isStandard ? ' (standard)' : ''}`,
        ...one.metrics.map(
          ({ title, unit, better, role, margin }) =>
            `${role}: ${title} [${unit}], ${better} is better, margin ${Math.round(margin * 100)} %`,
        ),
        `about ${one.aboutS.quick} s quick, ${one.aboutS.full} s full${one.needs.length === 0 ? '' : `; needs ${one.needs.join(', ')}`}`,
      ].join(`\n${indent}`),
    )
    .join('\n')
}
