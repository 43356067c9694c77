import type {
  GateControl,
  GatedMetric,
  GateMetric,
  GateResult,
  GateVerdict,
  LookVerdict,
} from '../../model/gate.ts'
import { completePairs, worsening } from '../../model/gate-pairs.ts'
import { loadText } from '../bench.ts'
import { betterOf } from './metrics.ts'
import { sentenceOf } from './sentence.ts'
import type { GateOptions, GatePlan } from './session.ts'
import type { AskedPairs } from './trials.ts'

interface Found extends Pick<GateOptions, 'baseline' | 'candidate' | 'statistics'> {
  readonly asked: readonly AskedPairs[]
  /** Of the gated metrics, in their order. */
  readonly verdicts: readonly LookVerdict[]
}

/** Makes the result of a session. */
export function concludeGate(plan: GatePlan, session: Found): GateResult {
  const { asked, baseline, candidate } = session
  const gated = plan.gated.map((metric, index) => gatedMetric(plan, metric, index, session))
  const metrics = [...gated, ...advisory(plan, session)]
  const controls = [sameBaseline(session), sameWay(session)].filter((one) => one !== undefined)
  const found = overall(gated, controls, asked)
  const { verdict, reasons } = plan.isSameProgram ? ofItself(found) : found
  return {
    profile: plan.profile,
    verdict,
    reasons,
    baseline: { spec: plan.spec, implementation: baseline.identity },
    isSameProgram: plan.isSameProgram,
    rule: plan.rule,
    metrics,
    controls,
    questions: asked.map(({ question, requeued, arms }) => ({
      id: question.id,
      title: question.title,
      unit: question.unit,
      better: question.better,
      load: loadText(question, [candidate.cluster.provider]),
      requeued,
      arms: [...arms].flatMap(([id, trials]) => (trials.length === 0 ? [] : [{ id, trials }])),
    })),
  }
}

/** A program is neither worse nor better than itself: what came out as such is the machine's noise. */
function ofItself(found: Overall): Overall {
  if (found.verdict === 'regressed')
    return {
      verdict: 'invalid',
      reasons: [
        'candidate and baseline are the same program, and it came out as worse than itself: nothing can be told apart on this machine now',
        ...found.reasons,
      ],
    }
  return found.verdict === 'improved' ? { verdict: 'ok', reasons: [] } : found
}

type Overall = Pick<GateResult, 'verdict' | 'reasons'>

/** Trouble outweighs nothing that was proven: a regression stays one, unless what cannot differ differed as well. */
function overall(
  gated: readonly GateMetric[],
  controls: readonly GateControl[],
  asked: readonly AskedPairs[],
): Overall {
  const different = controls.filter(({ verdict }) => verdict === 'different')
  if (different.length > 0)
    return {
      verdict: 'invalid',
      reasons: different.map(({ title }) => `what cannot differ did: ${title}`),
    }
  const of = (verdict: GateVerdict): readonly GateMetric[] =>
    gated.filter((metric) => metric.verdict === verdict)
  const sentences = (metrics: readonly GateMetric[]): readonly string[] =>
    metrics.map(({ sentence }) => sentence)
  if (of('regressed').length > 0)
    return { verdict: 'regressed', reasons: sentences(of('regressed')) }
  if (of('invalid').length > 0) {
    const broken = asked.flatMap(({ question, broken: why }) =>
      why === undefined ? [] : [`${question.id}: ${why}`],
    )
    return {
      verdict: 'invalid',
      reasons: broken.length > 0 ? broken : sentences(of('invalid')),
    }
  }
  if (of('inconclusive').length > 0)
    return { verdict: 'inconclusive', reasons: sentences(of('inconclusive')) }
  return of('improved').length > 0
    ? { verdict: 'improved', reasons: sentences(of('improved')) }
    : { verdict: 'ok', reasons: [] }
}

function gatedMetric(plan: GatePlan, metric: GatedMetric, index: number, found: Found): GateMetric {
  const one = found.asked.find(({ question }) => question.id === metric.question)
  const seen = found.verdicts[index]
  if (one === undefined || seen === undefined)
    throw new Error(`the gated metric ${metric.question} was never looked at`)
  const reached = plan.rule.looks.some(({ pairs }) => pairs <= seen.pairs)
  const verdict: GateVerdict =
    seen.verdict === 'regressed'
      ? 'regressed'
      : one.broken !== undefined || !reached
        ? 'invalid'
        : seen.verdict === 'undecided'
          ? 'inconclusive'
          : seen.improved
            ? 'improved'
            : 'ok'
  return told(one, metric, seen, verdict, true)
}

/** The other number of each question: shown, and never decides. */
function advisory(plan: GatePlan, found: Found): readonly GateMetric[] {
  return found.asked.flatMap((one) =>
    (['value', 'cpu'] as const)
      .filter(
        (kind) =>
          !plan.gated.some((gated) => gated.question === one.question.id && gated.kind === kind),
      )
      .flatMap((kind) => {
        const better = betterOf(one, kind)
        const worse = worsening(completePairs(one.arms, kind, ['baseline', 'candidate']), better)
        if (worse.length === 0) return []
        const metric = { question: one.question.id, kind, margin: advisoryMargin }
        const look = plan.rule.looks.length - 1
        const [seen] = found.statistics.lookAt([{ margin: Math.log1p(advisoryMargin), worse }], {
          rule: plan.rule,
          look,
        })
        if (seen === undefined) return []
        const verdict: GateVerdict =
          seen.verdict === 'undecided' ? 'inconclusive' : seen.improved ? 'improved' : seen.verdict
        return [told(one, metric, seen, verdict, false)]
      }),
  )
}

const advisoryMargin = 0.05

function told(
  one: AskedPairs,
  { question, kind, margin }: GatedMetric,
  seen: LookVerdict,
  verdict: GateVerdict,
  isGated: boolean,
): GateMetric {
  const pairs = completePairs(one.arms, kind, ['baseline', 'candidate']).slice(0, seen.pairs)
  const better = betterOf(one, kind)
  // why: told as candidate over baseline, whichever direction is worse
  const ratio = (logarithm: number): number => Math.exp(better === 'lower' ? logarithm : -logarithm)
  const { interval } = seen
  const [low, high] = interval === undefined ? [] : interval.map(ratio).toSorted((a, b) => a - b)
  const metric = {
    id: `${question}/${kind}`,
    title: kind === 'cpu' ? `CPU per request: ${one.question.title}` : one.question.title,
    unit: kind === 'cpu' ? ('us/req' as const) : one.question.unit,
    better,
    isGated,
    margin,
    verdict,
    ...(Number.isFinite(seen.estimate) && { ratio: ratio(seen.estimate) }),
    ...(low !== undefined &&
      high !== undefined &&
      seen.confidence !== undefined && {
        interval: [low, high] as const,
        confidence: seen.confidence,
      }),
    p: seen.p,
    adjustedP: seen.adjustedP,
    ...(seen.detectable !== undefined &&
      Number.isFinite(seen.detectable) && { detectable: Math.expm1(seen.detectable) }),
    ...(pairs.length > 0 && {
      baseline: middle(pairs.map(([, a]) => a)),
      candidate: middle(pairs.map(([, , b]) => b)),
    }),
    pairs: pairs.map(([, a, b]) => b / a),
  }
  return { ...metric, sentence: sentenceOf(metric) }
}

function sameBaseline(found: Found): GateControl | undefined {
  return control(found, {
    id: 'a-a',
    title: 'the baseline against itself',
    arms: ['baseline', 'control'],
  })
}

function sameWay(found: Found): GateControl | undefined {
  return control(found, {
    id: 'direct',
    title: 'the way past the target, in either cluster',
    arms: ['direct-a', 'direct-b'],
  })
}

/** How sure a control has to be to make a session invalid. */
const controlConfidence = 0.99

/** A control that is off by less than this harms no verdict. */
const controlMargin = Math.log(1.05)

/** All questions together: each alone has too few pairs to say anything. */
function control(
  { asked, statistics }: Found,
  {
    id,
    title,
    arms,
  }: Pick<GateControl, 'id' | 'title'> & { readonly arms: Parameters<typeof completePairs>[2] },
): GateControl | undefined {
  const worse = asked.flatMap((one) =>
    worsening(completePairs(one.arms, 'value', arms), one.question.better),
  )
  if (worse.length === 0) return undefined
  const bounds = statistics.interval(worse, controlConfidence)
  const isSure = bounds !== undefined && bounds.confidence >= controlConfidence
  const [low, high] = bounds?.interval ?? [-Infinity, Infinity]
  return {
    id,
    title,
    verdict: !isSure
      ? 'unclear'
      : low > controlMargin || high < -controlMargin
        ? 'different'
        : low > -controlMargin && high < controlMargin
          ? 'same'
          : 'unclear',
    ratio: Math.exp(statistics.hodgesLehmann(worse)),
    ...(bounds !== undefined && {
      interval: [Math.exp(low), Math.exp(high)] as const,
      confidence: bounds.confidence,
    }),
    pairs: worse.length,
  }
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[sorted.length >> 1]]
  return ((low ?? NaN) + (high ?? NaN)) / 2
}
