import { setTimeout as delay } from 'node:timers/promises'
import { messageOf, type Log } from '../log.ts'
import { ApiError, type Api } from './api.ts'
import { reflect, type ReflectorTiming, type Sink } from './reflector.ts'

const group = '/apis/networking.istio.io'

/** Newest first; all of them have the same fields as far as balancing goes. */
const versions = ['v1', 'v1beta1', 'v1alpha3'] as const

const notFound = 404

/** So soon after the start looks for definitions are a quarter of this apart. */
const soonMs = 20_000

export interface RuleWatchInit {
  readonly api: Api
  readonly sink: Sink
  readonly timing: ReflectorTiming
  /** How long until an API without DestinationRules is asked again, at most: in the first minutes it is asked more often. */
  readonly absentLookMs: number
  readonly log: Log
  /** The rules are as good as known: listed, or not there, or not to be had for now. Called at least once. */
  readonly onSettled: () => void
}

/** DestinationRules are custom resources: not there, or there later, or in another version, or gone. All of it is fine. */
export async function watchRules(init: RuleWatchInit, signal: AbortSignal): Promise<void> {
  const { sink, timing, absentLookMs, log } = init
  const tell = teller(log)
  const startedAt = performance.now()
  let missingSince: number | undefined
  while (!signal.aborted) {
    try {
      const path = await servedPath(init, signal)
      if (path === undefined) {
        missingSince ??= performance.now()
        // why: an API server that has just started answers 404 for a moment
        const leftMs = missingSince + timing.emptyListConfirmMs - performance.now()
        if (leftMs <= 0 && sink.count() > 0) sink.replace([])
        init.onSettled()
        if (sink.count() === 0)
          tell('info', 'the API has no DestinationRules: Services are balanced in turn')
        // why: definitions come most often right after the agents, with the rest of an installation
        const soonerMs = Math.max(soonMs, performance.now() - startedAt) / 4
        const pauseMs = Math.min(
          absentLookMs,
          soonerMs,
          leftMs > 0 ? Math.max(leftMs, timing.firstRetryMs) : Infinity,
        )
        // why: spread, so that all nodes do not ask at once
        await delay(pauseMs * (0.75 + Math.random() * 0.25), undefined, { signal })
        continue
      }
      missingSince = undefined
      await followUntilGone(init, path, tell, signal)
      // why: the next look must not follow at once, should the server change its mind with each request
      await delay(timing.firstRetryMs, undefined, { signal })
    } catch (error) {
      if (signal.aborted) return
      init.onSettled()
      tell('warn', `DestinationRules cannot be read, those known stay: ${messageOf(error)}`)
      await delay(timing.largestRetryMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

type Tell = (level: 'info' | 'warn', message: string) => void

/** Each state once, until there is another one. */
function teller(log: Log): Tell {
  let last = ''
  return (level, message) => {
    if (message === last) return
    last = message
    log[level](message)
  }
}

/**
 * The collection in the newest version that is served; undefined when there is none.
 * @throws ApiError, Error when the API does not say
 */
async function servedPath(
  { api }: RuleWatchInit,
  signal: AbortSignal,
): Promise<string | undefined> {
  // why: one request instead of three while nothing of Istio is installed
  if (await isMissing(api, group, signal)) return undefined
  for (const version of versions) {
    const path = `${group}/${version}/destinationrules`
    if (!(await isMissing(api, `${path}?limit=1`, signal))) return path
  }
  return undefined
}

async function isMissing(api: Api, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    await api.get(path, { signal })
    return false
  } catch (error) {
    if (error instanceof ApiError && error.status === notFound) return true
    // why: discovery may be forbidden where the resource itself is not
    if (error instanceof ApiError && error.status === 403 && path === group) return false
    throw error
  }
}

async function followUntilGone(
  { api, sink, timing, onSettled }: RuleWatchInit,
  path: string,
  tell: Tell,
  signal: AbortSignal,
): Promise<void> {
  const gone = new AbortController()
  const following = AbortSignal.any([signal, gone.signal])
  await reflect(
    {
      api,
      path,
      sink,
      timing,
      onContact: () => tell('info', `DestinationRules are followed at ${path}`),
      onSynced: onSettled,
      onTrouble: (error) => {
        onSettled()
        if (error instanceof ApiError && error.status === notFound) gone.abort()
        else if (!(error instanceof ApiError && error.status === 410))
          tell('warn', `watching DestinationRules failed, those known stay: ${messageOf(error)}`)
      },
    },
    following,
  )
}
