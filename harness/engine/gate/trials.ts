import type { AbortOptions } from '../../model/abort.ts'
import type { GateArmId } from '../../model/gate.ts'
import type { BenchFacts, Question } from '../../model/question.ts'
import type { BenchTrial } from '../../model/run-result.ts'
import type { LoadTarget } from '../../model/load.ts'
import { jobOf, runTrial } from '../trial.ts'
import type { Arena } from './arena.ts'

/** A question under way: its trials by arm, and what became of pairs that did not count. */
export interface AskedPairs {
  readonly question: Question
  readonly arms: ReadonlyMap<GateArmId, BenchTrial[]>
  requeued: number
  /** Why it cannot be answered any more. */
  broken?: string
}

export function askedPairs(question: Question): AskedPairs {
  const ids: readonly GateArmId[] = ['baseline', 'candidate', 'control', 'direct-a', 'direct-b']
  return { question, arms: new Map(ids.map((id) => [id, []])), requeued: 0 }
}

export interface PairOptions extends AbortOptions {
  readonly baseline: Arena
  readonly candidate: Arena
  readonly seed: number
  readonly random: () => number
  /** Pairs of a question that may be run again, whole. */
  readonly mayRequeue: number
  /** Of so many pairs one has the baseline once more beside it. */
  readonly controlEvery: number
}

/** Every third pair has the way past either target beside it. */
const directEvery = 3

/**
 * Runs one pair, all arms in random order; once more as a whole when one of its two trials was not valid. Which arm was
 * at fault makes no difference.
 */
export async function askPair(
  asked: AskedPairs,
  pair: number,
  options: PairOptions,
): Promise<void> {
  for (;;) {
    const trials = await runArms(asked.question, pair, options)
    for (const [id, trial] of trials) asked.arms.get(id)?.push(trial)
    const own = [trials.get('baseline'), trials.get('candidate')]
    if (own.every((trial) => trial?.valid === true)) return
    const why = own.flatMap((trial) => trial?.invalid ?? [])
    if (
      why.some((text) => text.includes('foreign answer')) ||
      asked.requeued >= options.mayRequeue
    ) {
      asked.broken = `${asked.requeued + 1} pairs were not valid, the last because ${why[0] ?? 'it had no value'}`
      return
    }
    asked.requeued += 1
  }
}

async function runArms(
  question: Question,
  pair: number,
  options: PairOptions,
): Promise<ReadonlyMap<GateArmId, BenchTrial>> {
  const { baseline, candidate, seed, random, signal } = options
  const direct = requestOf(question, 'direct')
  const target = requestOf(question, 'target')
  if (target === undefined) throw new Error(`${question.id} asks nothing of a target`)
  const arms: (readonly [GateArmId, Arena, (facts: BenchFacts) => LoadTarget])[] = [
    ['baseline', baseline, target],
    ['candidate', candidate, target],
  ]
  if (pair % options.controlEvery === 0) arms.push(['control', baseline, target])
  if (pair % directEvery === 0 && direct !== undefined)
    arms.push(['direct-a', baseline, direct], ['direct-b', candidate, direct])
  const trials = new Map<GateArmId, BenchTrial>()
  for (const [id, arena, request] of shuffled(arms, random)) {
    signal.throwIfAborted()
    const job = jobOf(question, request(arena.facts), { seed, pair })
    const { trial } = await runTrial({ question, pair, job }, arena.generator, arena.scene, {
      signal,
    })
    trials.set(id, trial)
  }
  return trials
}

function requestOf(
  { arms }: Question,
  id: 'direct' | 'target',
): ((facts: BenchFacts) => LoadTarget) | undefined {
  return arms.find((arm) => arm.id === id)?.request
}

/** Every order is equally likely (Fisher and Yates). */
function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const left = [...items]
  const order: T[] = []
  while (left.length > 0) order.push(...left.splice(Math.floor(random() * left.length), 1))
  return order
}
