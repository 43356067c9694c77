import { normal } from './normal.ts'

/**
 * How a machine disturbs trials: the logarithm of what a trial measures, apart from what is measured, trial by trial in
 * the order in which they run.
 */
export interface NoiseModel {
  readonly id: string
  /** What machine behaves like this. */
  readonly title: string
  /** @param isSecond - the trial is the second of its pair */
  readonly start: (random: () => number) => (isSecond: boolean) => number
}

/** The models of measurement.md, appendix B: the plausible shared machine first, then what might break a rule. */
export const noiseModels: readonly NoiseModel[] = [
  {
    id: 'shared',
    title:
      'shared 2-core machine: slow drift 5 %, neighbours (+20 % for 4 trials), heavy tails, second trial +1 %',
    start: (random) => {
      let drift = 0.05 * normal(random)
      let burst = 0
      return (isSecond) => {
        drift = 0.9 * drift + 0.05 * Math.sqrt(1 - 0.9 ** 2) * normal(random)
        if (burst === 0 && random() < 0.04) burst = 4
        const neighbour = burst > 0 ? 0.2 : 0
        burst = Math.max(0, burst - 1)
        return (
          drift + neighbour + (0.03 * student(random, 3)) / Math.sqrt(3) + (isSecond ? 0.01 : 0)
        )
      }
    },
  },
  {
    id: 'quiet',
    title: 'quiet machine: independent, normal, 3 %',
    start: (random) => () => 0.03 * normal(random),
  },
  {
    id: 'tails',
    title: 'rare huge outliers: Student with 2 degrees of freedom, 2 %',
    start: (random) => () => 0.02 * student(random, 2),
  },
  {
    id: 'wandering',
    title: 'wanders and never comes back: correlation 0.99, and a step of 10 % somewhere',
    start: (random) => {
      let level = 0
      const stepAt = Math.floor(random() * 60)
      let trial = 0
      return () => {
        level = 0.99 * level + 0.01 * normal(random)
        trial += 1
        return level + (trial > stepAt ? 0.1 : 0) + 0.02 * normal(random)
      }
    },
  },
  {
    id: 'slots',
    title: 'the second trial of a pair is 3 % slower, noise is skewed',
    start: (random) => (isSecond) => Math.exp(0.5 * normal(random)) * 0.03 + (isSecond ? 0.03 : 0),
  },
  {
    id: 'two-speeds',
    title: 'the CPU has two speeds 15 % apart, and metrics are whole numbers',
    start: (random) => {
      let isSlow = random() < 0.5
      return () => {
        if (random() < 0.15) isSlow = !isSlow
        const value = (isSlow ? 0.15 : 0) + 0.02 * normal(random)
        // why: a median of about 100 whole microseconds has many ties
        return Math.log(Math.round(100 * Math.exp(value)) / 100)
      }
    },
  },
]

/** Student's t with a small whole number of degrees of freedom. */
function student(random: () => number, degrees: number): number {
  let squares = 0
  for (let i = 0; i < degrees; i += 1) squares += normal(random) ** 2
  return normal(random) / Math.sqrt(squares / degrees)
}
