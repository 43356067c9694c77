import { setMaxListeners } from 'node:events'
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import type {
  Assessment,
  BareState,
  Check,
  CheckContext,
  EvidenceKind,
  Fixture,
  FixtureContext,
} from '../../model/check.ts'
import type { EvidenceFile, TestResult } from '../../model/conformance.ts'
import type { Requirement } from '../../model/requirement.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Feature, Uninstalled } from '../../model/target.ts'
import { errorText } from '../phase.ts'
import type { Fixtures } from './fixtures.ts'
import type { Installation } from './installation.ts'
import type { Namespaces } from './namespaces.ts'

/** How long a check may take when it says nothing else. */
const usualTimeoutMs = 120_000

/** How long a check may take to leave when it is given up: as long again, but no more than this. */
const longestLeavingMs = 10_000

/** Characters of one piece of evidence that are kept. */
const evidenceCharacters = 1_000_000

/** A check with the row that it judges. */
export interface Entry {
  readonly requirement: Requirement
  readonly check: Check
}

/** What all checks of a run share. */
export interface CheckStage {
  readonly context: FixtureContext
  readonly namespaces: Namespaces
  readonly fixtures: Fixtures
  readonly target: Installation
  /** What was seen before the target was deployed, by the id of the look. */
  readonly bare: ReadonlyMap<string, BareState>
  readonly features: ReadonlySet<Feature>
  readonly seed: number
  /** The shell line that runs just this row again. */
  readonly reproduce: (id: string) => string
  /** Told of trouble that concerns no verdict. */
  readonly problem: (text: string) => void
  readonly keepEvidence: (id: string, evidence: readonly Evidence[]) => Promise<EvidenceFile[]>
}

export interface Evidence {
  readonly kind: EvidenceKind
  readonly name: string
  readonly text: string
}

/** Runs one check to its verdict. What it throws, and a time-out, is `error`: trouble of the harness. */
export async function runCheck(
  entry: Entry,
  stage: CheckStage,
  { signal, attempt }: AbortOptions & { readonly attempt: number },
): Promise<TestResult> {
  const { requirement, check } = entry
  const startedAt = new Date()
  const began = performance.now()
  const held = new ResourceStack()
  const evidence: Evidence[] = []
  const namespace = stage.namespaces.named(requirement.id)
  const timeoutMs = check.timeoutMs ?? usualTimeoutMs
  const leavingMs = Math.min(timeoutMs, longestLeavingMs)
  const giveUp = new AbortController()
  const timer = setTimeout(() => {
    giveUp.abort(new Error(`no verdict within ${timeoutMs / 1000} s`))
  }, timeoutMs)
  const bounded = AbortSignal.any([signal, giveUp.signal])
  // why: a check asks many things at once, and each of them listens
  setMaxListeners(0, bounded)
  const base = {
    ...headOf(requirement, stage),
    startedAt: startedAt.toISOString(),
    namespace,
  }
  const acquired: Fixture[] = []
  let running: Promise<unknown> = Promise.resolve()
  let isOver = false
  let verdict: Verdict
  try {
    for (const fixture of check.fixtures ?? []) {
      acquired.push(fixture)
      await stage.fixtures.acquire(fixture)
    }
    const own = { namespace, held, evidence, signal: bounded, isOver: () => isOver }
    const judging = check.run(contextFor(entry, stage, own))
    running = judging
    verdict = verdictOf(await Promise.race([judging, aborted(bounded)]))
    if (verdict.status === 'failed' || mayFail(verdict))
      verdict = await doubted(verdict, check, acquired, stage)
  } catch (error) {
    const reason = signal.aborted ? 'the run was interrupted' : errorText(error)
    verdict = { status: 'error', reason, findings: [] }
  } finally {
    clearTimeout(timer)
    for (const fixture of acquired) stage.fixtures.release(fixture)
  }
  // why: what goes on in the check's name ends with it
  giveUp.abort(new Error('the check is over'))
  if (!(await endsWithin(running, leavingMs)))
    stage.problem(
      `${requirement.id} did not end within ${leavingMs / 1000} s of being told to: it may disturb the checks after it`,
    )
  isOver = true
  const trouble = await undo(held)
  stage.namespaces.remove(namespace)
  if (trouble !== undefined && verdict.status !== 'failed')
    verdict = { ...verdict, status: 'error', reason: `it could not be undone: ${trouble}` }
  const isClean = verdict.status === 'passed' || verdict.status === 'skipped'
  const folder = attempt === 1 ? requirement.id : `${requirement.id}-${attempt}`
  const kept =
    isClean && !mayFail(verdict)
      ? []
      : await stage.keepEvidence(folder, evidence).catch((error: unknown) => {
          stage.problem(`evidence of ${requirement.id} could not be kept: ${errorText(error)}`)
          return []
        })
  return { ...base, ...verdict, durationMs: performance.now() - began, evidence: kept }
}

/** A statistic that Holm's correction over the whole run can still turn into a failure. */
function mayFail({ statistic }: Verdict): boolean {
  return statistic !== undefined && statistic.p < statistic.alpha
}

/**
 * A target is not to be blamed for a backend of ours that died. One whose node a check cut off on purpose did not: the
 * control plane takes it for not Ready, and it serves.
 */
async function doubted(
  verdict: Verdict,
  { capabilities = [] }: Check,
  acquired: readonly Fixture[],
  { fixtures }: CheckStage,
): Promise<Verdict> {
  const breaksNodes = capabilities.includes('node-fault') || capabilities.includes('api-fault')
  for (const fixture of acquired) {
    const dead = await fixtures.whyDead(fixture, breaksNodes)
    if (dead !== undefined)
      return {
        status: 'error',
        reason: `backends of the fixture ${fixture.id} died: ${dead}`,
        findings: verdict.findings,
      }
  }
  return verdict
}

/** The result of a row that did not run. */
export function notRun(
  requirement: Requirement,
  stage: Pick<CheckStage, 'seed' | 'reproduce'>,
  status: 'skipped' | 'notSupported' | 'error',
  reason: string,
): TestResult {
  return {
    ...headOf(requirement, stage),
    status,
    reason,
    startedAt: new Date().toISOString(),
    durationMs: 0,
    findings: [],
    evidence: [],
  }
}

/** Same for every run with this seed: 32 bits of a hash. */
export function seedOf(seed: number, id: string): number {
  return createHash('sha256').update(`${seed}/${id}`).digest().readUInt32BE(0)
}

type Verdict = Pick<
  TestResult,
  'status' | 'reason' | 'expected' | 'observed' | 'findings' | 'convergence'
> & { readonly statistic?: NonNullable<TestResult['statistic']> }

function headOf(
  { id, sentence, level, profile, feature, sources }: Requirement,
  { seed, reproduce }: Pick<CheckStage, 'seed' | 'reproduce'>,
): Pick<
  TestResult,
  'id' | 'title' | 'level' | 'profile' | 'feature' | 'sources' | 'seed' | 'reproduce' | 'attempts'
> {
  return {
    id,
    title: sentence,
    level,
    profile,
    ...(feature !== undefined && { feature }),
    sources,
    seed: seedOf(seed, id),
    reproduce: reproduce(id),
    attempts: 1,
  }
}

function verdictOf(assessment: Assessment): Verdict {
  const { findings = [], convergence, statistic } = assessment
  const more = {
    findings,
    ...(convergence !== undefined && { convergence }),
    // why: corrected when all statistics of the run are known
    ...(statistic !== undefined && { statistic: { ...statistic, adjustedP: statistic.p } }),
  }
  switch (assessment.kind) {
    case 'conforms':
      return { status: 'passed', observed: assessment.observed, ...more }
    case 'violates': {
      const { expected, observed } = assessment
      return { status: 'failed', reason: reasonOf(assessment), expected, observed, ...more }
    }
    case 'skipped':
      return { status: 'skipped', reason: assessment.reason, ...more }
  }
}

/** Characters of a reason; what was expected and observed stands beside it in full. */
const reasonCharacters = 200

function reasonOf({ findings = [], observed }: Extract<Assessment, { kind: 'violates' }>): string {
  const wrong = findings.filter(({ ok }) => !ok).map(({ name }) => name)
  const text = wrong.length === 0 ? observed : `${observed} (not as expected: ${wrong.join(', ')})`
  return text.length <= reasonCharacters ? text : `${text.slice(0, reasonCharacters)}…`
}

interface Own extends AbortOptions {
  readonly namespace: string
  readonly held: ResourceStack
  readonly evidence: Evidence[]
  /** What it held has been undone: what comes later nobody else will undo. */
  readonly isOver: () => boolean
}

function contextFor(
  { requirement, check }: Entry,
  { context, namespaces, fixtures, target, features, seed, bare, problem }: CheckStage,
  { namespace, held, evidence, signal, isOver }: Own,
): CheckContext {
  return {
    ...context,
    signal,
    namespace,
    features,
    target: removable(target, held, signal),
    seed: seedOf(seed, requirement.id),
    threshold: (name) => {
      const value = requirement.thresholds[name]
      if (value === undefined)
        throw new RangeError(`${requirement.id} has no threshold ${name} in the catalogue`)
      return value
    },
    before: () => {
      const seen = check.before === undefined ? undefined : bare.get(check.before.id)
      if (seen === undefined)
        throw new RangeError(`${requirement.id} was not seen to before the target was deployed`)
      return seen
    },
    fixture: (fixture) => {
      if (check.fixtures?.includes(fixture) !== true)
        throw new RangeError(`${requirement.id} does not declare the fixture ${fixture.id}`)
      return fixtures.namespaceOf(fixture)
    },
    apply: async (manifests) => {
      const applied = await namespaces.apply(namespace, manifests, { signal })
      // why: everything of its own namespace goes with the namespace; only what lies elsewhere has to be undone by itself
      const elsewhere = manifests.some(
        ({ metadata }) => metadata.namespace !== undefined && metadata.namespace !== namespace,
      )
      if (elsewhere || manifests.some(({ kind }) => clusterScoped.has(kind))) held.use(applied)
      return applied
    },
    keep: (resource) => {
      if (!isOver()) held.use(resource)
      else
        void undo(resource).then((trouble) => {
          if (trouble !== undefined) problem(`what ${requirement.id} left late: ${trouble}`)
        })
    },
    evidence: (kind, name, text) => {
      evidence.push({ kind, name, text: text.slice(0, evidenceCharacters) })
    },
  }
}

/** How long a target may take to serve again when a check has taken it off. */
const reinstallMs = 120_000

/** The target as a check sees it: what it takes off is put back when it ends. */
function removable(
  target: Installation,
  held: ResourceStack,
  signal: AbortSignal,
): CheckContext['target'] {
  const uninstall = (): Promise<Uninstalled> => {
    const leaving = target.uninstall({ signal })
    held.use({
      [Symbol.asyncDispose]: async () => {
        // why: one that is still going, or went only half way, is put back as well
        await leaving.catch(() => undefined)
        await target.restore({ signal: AbortSignal.timeout(reinstallMs) })
      },
    })
    return leaving
  }
  return new Proxy<CheckContext['target']>(
    { ...target, uninstall },
    {
      get: (_, key): unknown => (key === 'uninstall' ? uninstall : Reflect.get(target, key)),
    },
  )
}

const clusterScoped: ReadonlySet<string> = new Set([
  'Namespace',
  'Node',
  'CustomResourceDefinition',
  'ClusterRole',
  'ClusterRoleBinding',
  'PersistentVolume',
])

async function undo(held: AsyncDisposable): Promise<string | undefined> {
  try {
    await held[Symbol.asyncDispose]()
    return undefined
  } catch (error) {
    return errorText(error)
  }
}

async function endsWithin(running: Promise<unknown>, ms: number): Promise<boolean> {
  const late = new AbortController()
  const ended = running.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([ended, delay(ms, false, { signal: late.signal })])
  } finally {
    late.abort()
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    }
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
}
