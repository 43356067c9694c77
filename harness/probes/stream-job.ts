import type { StreamJob, StreamStep } from '../model/probe.ts'
import {
  base64,
  checkFamily,
  checkFields,
  type Fields,
  isObject,
  literalAddress,
  numberFrom,
  port,
  type Rule,
  timeoutMs,
  wholeNumber,
  wrong,
} from './rules.ts'

/** Bytes of one `send`; more is a `send-pattern`. */
const mostSendBytes = 16 * 1024 * 1024

const mostSteps = 1_000

const withinMs = numberFrom(1, 600_000)

const until: Rule = {
  holds: (value) =>
    value === 'end' ||
    (isObject(value) &&
      Object.keys(value).length === 1 &&
      (wholeNumber(0, 2 ** 40).holds(value['bytes']) ||
        isShortText(value['text']) ||
        withinMs.holds(value['quietMs']))),
  want: `'end', { bytes: 0 to 2^40 }, { text: 1 to 65536 characters } or { quietMs: 1 to 600000 }`,
}

const steps: Readonly<Record<StreamStep['do'], Fields>> = {
  send: {
    base64: base64(mostSendBytes),
    'segments?': {
      holds: (value) =>
        Array.isArray(value) &&
        value.length <= 10_000 &&
        value.every(wholeNumber(1, 2 ** 24).holds),
      want: 'a list of at most 10000 sizes, each 1 or more',
    },
    'gapMs?': numberFrom(0, 60_000),
    'withinMs?': withinMs,
  },
  'send-pattern': { bytes: wholeNumber(0, 2 ** 40), 'withinMs?': withinMs },
  read: { until, withinMs },
  end: {},
  reset: {},
  pause: { ms: numberFrom(0, 600_000) },
}

/** @throws JobProblem naming the first field that is wrong, its value and the rule */
export function parseStreamJob(job: unknown): StreamJob {
  if (!isObject(job)) throw wrong('job', job, 'an object')
  const fields = { host: literalAddress, port, timeoutMs }
  const from = { 'localAddress?': literalAddress, 'localPort?': port }
  checkFields(job, { ...fields, ...from }, '')
  const parsed = job as unknown as StreamJob
  checkFamily('localAddress', parsed.localAddress, parsed.host)
  return parsed
}

/** @throws JobProblem naming the first field that is wrong, its value and the rule */
export function parseSteps(given: unknown): readonly StreamStep[] {
  if (!Array.isArray(given) || given.length > mostSteps)
    throw wrong('steps', given, `a list of at most ${mostSteps} steps`)
  let isClosedBy: string | undefined
  for (const [index, step] of given.entries()) {
    const at = `steps[${index}]`
    if (!isObject(step)) throw wrong(at, step, 'an object')
    const { do: what } = step
    if (typeof what !== 'string' || !Object.hasOwn(steps, what))
      throw wrong(`${at}.do`, what, `one of ${Object.keys(steps).join(', ')}`)
    checkFields(step, steps[what as StreamStep['do']], `${at}.`)
    if (isClosedBy === 'reset' || (isClosedBy !== undefined && /^send|^end/.test(what)))
      throw wrong(`${at}.do`, what, `nothing that sends after '${isClosedBy}'`)
    checkSegments(step, at)
    if (what === 'end' || what === 'reset') isClosedBy = what
  }
  return given as readonly StreamStep[]
}

function checkSegments(step: Readonly<Record<string, unknown>>, at: string): void {
  const { segments, base64: text } = step as { segments?: readonly number[]; base64?: string }
  if (segments === undefined || text === undefined) return
  const bytes = Buffer.byteLength(text, 'base64')
  const sum = segments.reduce((one, other) => one + other, 0)
  if (sum > bytes) throw wrong(`${at}.segments`, segments, `at most the ${bytes} bytes of base64`)
}

function isShortText(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= 65_536
}
