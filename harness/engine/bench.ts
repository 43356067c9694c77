import type { AbortOptions } from '../model/abort.ts'
import type { Position } from '../model/cluster.ts'
import { LoadError } from '../model/errors.ts'
import type { Experiment } from '../model/experiment.ts'
import type { LoadGenerator, LoadTarget } from '../model/load.ts'
import type { BenchFacts, Grounded, Question, QuestionArm } from '../model/question.ts'
import { ResourceStack } from '../model/resource-stack.ts'
import type { BenchArm, BenchQuestion, BenchResult, BenchTrial } from '../model/run-result.ts'
import type { ScenarioContext } from '../model/scenario.ts'
import type { SecondOpinion } from '../model/second-opinion.ts'
import { answer, pairedEffect } from './answer.ts'
import { loadPositions } from './load-positions.ts'
import type { CoexistenceGuard } from './coexistence.ts'
import type { Listener } from './events.ts'
import { type ExperimentsInit, runExperiments } from './experiment/run-experiments.ts'
import { whyGroundless, whyNot } from './experiment/why-not.ts'
import type { Stage } from './stage.ts'
import type { Statistics } from './statistics.ts'
import { calibrated, type CalibrationContext } from './calibration.ts'
import { errorText } from './phase.ts'
import { jobOf, runTrial } from './trial.ts'

export interface BenchPlan {
  readonly questions: readonly Question[]
  /** Asked after the questions, one after the other. */
  readonly experiments?: readonly Experiment[]
  /** Experiments take few replicates. */
  readonly isQuick?: boolean
  /** Pairs of trials per question. */
  readonly pairs: number
  readonly seed: number
  /** Names of the nodes that load comes from, at once; the first edge node when absent. */
  readonly loadNodes?: readonly string[]
  /** Sets up what is measured, as far as what is asked stands on it. */
  readonly prepare: (
    context: ScenarioContext,
    asked: readonly Grounded[],
    /** Image of the backend program, given to the nodes when it is asked for. */
    backendImage: () => Promise<string>,
  ) => Promise<BenchFacts>
  /** Another load generator's view of one of the questions; asked last, from the same nodes. */
  readonly secondOpinion?: {
    /** Id of the question, and its arm. */
    readonly question: string
    readonly arm: string
    readonly ask: (
      request: LoadTarget,
      rateRps: number,
      stage: Stage,
      at: readonly Position[],
      options: AbortOptions,
    ) => Promise<Omit<SecondOpinion, 'asked' | 'oursP50Us'>>
  }
}

export interface BenchOptions extends AbortOptions {
  readonly statistics: Statistics
  /** A CPU that each load program keeps to, so that what is measured has the others; empty: no pinning. */
  readonly generatorCpus: readonly number[]
  readonly guard?: CoexistenceGuard
  /** What experiments need; without it none is run. */
  readonly experiments?: Pick<ExperimentsInit, 'installation' | 'backends' | 'statistics'>
  readonly tell: Listener
}

/** Of all pairs, how many may be run again because a trial was invalid (measurement.md, rule 4). */
const requeueShare = 0.25

interface Asked {
  /** As it is asked: at a rate that the ways bear. */
  question: Question
  /** How its rate came about. */
  calibration?: string
  readonly flips: readonly boolean[]
  readonly trials: Map<QuestionArm['id'], BenchTrial[]>
  readonly tools: Set<string>
  requeued: number
  /** Why it is not asked. */
  reason?: string
}

/**
 * Asks every question in pairs of trials, the questions taking turns, so that a slow minute of the machine meets
 * all of them. Which arm of a pair goes first is a coin flip; both arms get the same seed, so the same arrivals.
 */
export async function bench(
  plan: BenchPlan,
  stage: Stage,
  options: BenchOptions,
): Promise<BenchResult> {
  const { statistics, generatorCpus, guard, tell, signal } = options
  const held = new ResourceStack()
  const positions = loadPositions(stage.cluster, plan.loadNodes)
  const nodes = positions.map(({ node }) => node)
  const order: BenchResult['order'][number][] = []
  const { can, cannot } = askable(plan.questions, stage)
  const asked = can.map((question, index): Asked => ({
    question,
    flips: statistics.coinFlips(plan.seed + index, plan.pairs * 2),
    trials: new Map(question.arms.map((arm) => [arm.id, []])),
    tools: new Set(),
    requeued: 0,
  }))
  let opinion: SecondOpinion | undefined
  let experiments: BenchResult['experiments']
  try {
    const facts = await plan.prepare(
      stage.context(held, { signal }),
      [...can, ...(plan.experiments ?? [])],
      () => backendImage(stage, options),
    )
    // why: what came before the target knew of the Service is nobody's measurement
    await guard?.foreignConnections({ signal })
    const generator = await stage.load(positions, generatorCpus, { signal })
    for (const one of asked)
      Object.assign(one, await readied(one.question, { plan, facts, generator, signal, tell }))
    const ready = asked.filter(({ reason }) => reason === undefined)
    for (let pair = 0; pair < plan.pairs && ready.length > 0; pair += 1) {
      tell({ kind: 'phase-progress', phase: 'bench', line: `pair ${pair + 1} of ${plan.pairs}` })
      for (const one of ready)
        await askPair(one, pair, { plan, stage, facts, generator, order, signal })
    }
    opinion = await secondOpinion(plan, ready, facts, stage, positions, { signal })
    const foreign = (await guard?.foreignConnections({ signal })) ?? 0
    if (foreign > 0)
      throw new LoadError(
        'foreign-answer',
        `kube-proxy, which runs beside the target, took ${foreign} connections of the benchmark: these are not the target's numbers`,
        { hint: 'use --kube-proxy-mode none' },
      )
    const { experiments: more } = options
    if (more !== undefined && plan.experiments !== undefined && plan.experiments.length > 0)
      experiments = await runExperiments({
        ...more,
        experiments: plan.experiments,
        isQuick: plan.isQuick === true,
        seed: plan.seed,
        facts,
        stage,
        generatorCpus,
        ...(guard !== undefined && { guard }),
        tell,
        signal,
      })
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await held[Symbol.asyncDispose]()
  }
  const questions = asked.map((one) => concludeQuestion(one, nodes, statistics))
  return {
    questions,
    order,
    loadNodes: nodes,
    ...(cannot.length > 0 && { skipped: cannot }),
    ...(experiments !== undefined && { experiments }),
    ...(opinion !== undefined && { secondOpinion: opinion }),
  }
}

async function backendImage(
  { cluster }: Stage,
  { experiments, signal }: BenchOptions,
): Promise<string> {
  if (experiments === undefined) throw new Error('nobody named the image of the backends')
  const { backends } = experiments
  return (await cluster.loadImage?.(backends, { signal })) ?? backends.name
}

/** Parts questions from those that make no sense for this target in this cluster. */
function askable(
  questions: readonly Question[],
  { features, cluster }: Stage,
): { readonly can: readonly Question[]; readonly cannot: NonNullable<BenchResult['skipped']> } {
  const reasons = questions.map((one) => whyNot(one, features, cluster.capabilities))
  return {
    can: questions.filter((_, index) => reasons[index] === undefined),
    cannot: questions.flatMap(({ id, title }, index) => {
      const reason = reasons[index]
      return reason === undefined ? [] : [{ id, title, reason }]
    }),
  }
}

/**
 * The question as it is asked, or why it is left out: what it stands on could not be set up, or no rate could be found
 * for it. The others do not suffer for it.
 */
async function readied(
  question: Question,
  context: CalibrationContext,
): Promise<Pick<Asked, 'question' | 'calibration' | 'reason'>> {
  const { facts, tell, signal } = context
  const leftOut = (reason: string): Pick<Asked, 'question' | 'reason'> => {
    tell({ kind: 'phase-progress', phase: 'bench', line: `${question.id} is left out: ${reason}` })
    return { question, reason }
  }
  const missing = whyGroundless(question, facts)
  if (missing !== undefined) return leftOut(missing)
  try {
    return await calibrated(question, context)
  } catch (error) {
    signal.throwIfAborted()
    return leftOut(errorText(error))
  }
}

async function secondOpinion(
  { secondOpinion: wanted }: BenchPlan,
  asked: readonly Asked[],
  facts: BenchFacts,
  stage: Stage,
  at: readonly Position[],
  options: AbortOptions,
): Promise<SecondOpinion | undefined> {
  const one = asked.find(({ question }) => question.id === wanted?.question)
  const arm = one?.question.arms.find(({ id }) => id === wanted?.arm)
  if (wanted === undefined || one === undefined || arm === undefined) return undefined
  const { profile } = one.question
  if (profile.kind !== 'open-loop') return undefined
  const { rateRps } = profile
  const none = { windowMs: 0, count: 0, achievedRps: 0, failed: 0, dropped: 0 }
  const seen = await wanted
    .ask(arm.request(facts), rateRps, stage, at, options)
    // why: what was measured stays; the other tool's trouble is its own
    .catch((error: unknown) => ({ tool: 'none', rateRps, ...none, invalid: [errorText(error)] }))
  options.signal.throwIfAborted()
  const medians = (one.trials.get(arm.id) ?? []).flatMap(({ valid, p50Us }) =>
    valid && p50Us !== undefined ? [p50Us] : [],
  )
  const middle = medians.toSorted((a, b) => a - b)[Math.floor(medians.length / 2)]
  return { ...seen, asked: arm.label, ...(middle !== undefined && { oursP50Us: middle }) }
}

interface PairContext extends AbortOptions {
  readonly plan: BenchPlan
  readonly stage: Stage
  readonly facts: BenchFacts
  readonly generator: LoadGenerator
  readonly order: BenchResult['order'][number][]
}

async function askPair(asked: Asked, pair: number, context: PairContext): Promise<void> {
  const { question } = asked
  const mayRequeue = asked.requeued < Math.ceil(context.plan.pairs * requeueShare)
  const arms = asked.flips[pair] === true ? question.arms.toReversed() : question.arms
  const trials: { readonly arm: QuestionArm; readonly trial: BenchTrial }[] = []
  for (const arm of arms) {
    context.signal.throwIfAborted()
    const { plan, facts } = context
    const job = jobOf(question, arm.request(facts), { seed: plan.seed, pair })
    context.order.push({ question: question.id, arm: arm.id, pair })
    const { trial, tool } = await runTrial(
      { question, pair, job },
      context.generator,
      context.stage,
      context,
    )
    asked.tools.add(tool)
    trials.push({ arm, trial })
  }
  for (const { arm, trial } of trials) asked.trials.get(arm.id)?.push(trial)
  const foreign = trials.some(({ trial }) =>
    trial.invalid.some((why) => why.includes('foreign answer')),
  )
  if (mayRequeue && !foreign && trials.some(({ trial }) => !trial.valid)) {
    asked.requeued += 1
    await askPair(asked, pair + context.plan.pairs, context)
  }
}

function concludeQuestion(
  { question, calibration, trials, tools, reason }: Asked,
  nodes: readonly string[],
  statistics: Statistics,
): BenchQuestion {
  const arms = question.arms.map((arm): BenchArm => {
    const own = trials.get(arm.id) ?? []
    const values = own.flatMap((trial) => (trial.value === undefined ? [] : [trial.value]))
    return {
      id: arm.id,
      label: arm.label,
      trials: own,
      ...(values.length > 0 && { value: statistics.median(values) }),
    }
  })
  const effect = pairedEffect(question, arms, statistics)
  return {
    id: question.id,
    title: question.title,
    answer: reason === undefined ? answer(question, arms, effect) : `No answer: ${reason}.`,
    means: question.means,
    role: question.role,
    margin: question.margin,
    unit: question.unit,
    better: question.better,
    load: [loadText(question, nodes), ...(calibration === undefined ? [] : [calibration])].join(
      '; ',
    ),
    generator: [...tools].join(', '),
    arms,
    ...(effect !== undefined && { effect }),
  }
}

/** How a question loads, in words. */
export function loadText({ profile }: Question, nodes: readonly string[]): string {
  const text =
    profile.kind === 'open-loop'
      ? `open loop, ${profile.rateRps} requests per second, Poisson arrivals, timed from the intended send time`
      : `closed loop, ${profile.concurrency === 1 ? '1 client' : `${profile.concurrency} clients`}`
  return nodes.length === 1
    ? text
    : `${text}, shared by ${nodes.length} nodes at once (${nodes.join(', ')})`
}
