import { type ContainerContext, recordOf } from '../pod/context.ts'
import { messageOf, pause } from '../time.ts'
import { backOff } from './back-off.ts'
import { findImage, type Image } from './images.ts'
import { runOnce } from './run-once.ts'
import type { Termination } from './state.ts'

/** Pauses before an image is looked for again; it appears when somebody installs the program. */
const firstPullMs = 10_000
const longestPullMs = 300_000

/** Pause before a container is configured again whose ConfigMap or Secret was missing. */
const configRetryMs = 1_000

/** Runs a container again and again by the pod's restart policy, until it is over or the pod ends. */
export async function runContainer(context: ContainerContext): Promise<void> {
  const { state, ending, node } = context
  const restarts = backOff(node.config.crashBackOffMs, node.config.longestRestartPauseMs)
  while (!ending.begun.aborted) {
    const image = await pullImage(context)
    if (image === undefined) return
    const startedAt = performance.now()
    const run = await configured(context, image)
    if (run === undefined) continue
    const failedToStart = run.reason === 'StartError'
    state.phase = { kind: 'terminated', ...run }
    const goesOn = restartsAfter(context, run) && !ending.begun.aborted
    if (failedToStart && goesOn)
      state.phase = { kind: 'waiting', reason: 'RunContainerError', message: run.message }
    if (failedToStart && goesOn) state.last = run
    context.changed()
    if (!goesOn) return
    const waitMs = restarts.next(performance.now() - startedAt)
    if (waitMs > 0) await crashLoop(context, run, waitMs)
    else await context.reported()
    if (ending.begun.aborted) return
    state.last = run
    state.restartCount += 1
  }
}

function restartsAfter({ state, pod }: ContainerContext, { exit }: Termination): boolean {
  const policy = pod().spec.restartPolicy ?? 'Always'
  if (state.role === 'sidecar') return true
  if (state.role === 'init') return exit.code !== 0 && policy !== 'Never'
  return policy === 'Always' || (policy === 'OnFailure' && exit.code !== 0)
}

/** Runs once; undefined when its configuration could not be had this time. */
async function configured(
  context: ContainerContext,
  image: Image,
): Promise<Termination | undefined> {
  const { state, ending } = context
  try {
    return await runOnce(context, image)
  } catch (error) {
    const message = messageOf(error)
    recordOf(context, 'Warning', 'Failed', `Error: ${message}`)
    state.phase = { kind: 'waiting', reason: 'CreateContainerConfigError', message }
    context.changed()
    await pause(configRetryMs, ending.begun)
    return undefined
  }
}

/** Says that a container waits before its next start, and waits. */
async function crashLoop(
  context: ContainerContext,
  run: Termination,
  waitMs: number,
): Promise<void> {
  const { state, ending } = context
  const { name, namespace, uid } = context.pod().metadata
  const where = `pod ${name}_${namespace}(${uid})`
  // why: people and tests look for the terminated state in between, as it is on a real node
  await context.reported()
  if (ending.begun.aborted) return
  state.last = run
  state.phase = {
    kind: 'waiting',
    reason: 'CrashLoopBackOff',
    message: `back-off ${words(waitMs)} restarting failed container=${state.spec.name} pod=${name}_${namespace}(${uid})`,
  }
  recordOf(
    context,
    'Warning',
    'BackOff',
    `Back-off restarting failed container ${state.spec.name} in ${where}`,
  )
  context.changed()
  await pause(waitMs, ending.begun)
}

/** Go's way of writing a duration: `10s`, `2m40s`. */
function words(ms: number): string {
  const seconds = ms / 1000
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}

/** Finds the container's image, as patiently as ImagePullBackOff; undefined when the pod ends first. */
async function pullImage(context: ContainerContext): Promise<Image | undefined> {
  const { state, ending, node } = context
  const { image: name } = state.spec
  for (let waitMs = firstPullMs; ; waitMs = Math.min(waitMs * 2, longestPullMs)) {
    const always = (state.spec.imagePullPolicy ?? 'IfNotPresent') === 'Always'
    try {
      const image = findImage(node.images, name)
      const pulled = always
        ? `Successfully pulled image "${name}" in 0s (0s including waiting).`
        : `Container image "${name}" already present on machine`
      if (always) recordOf(context, 'Normal', 'Pulling', `Pulling image "${name}"`)
      recordOf(context, 'Normal', 'Pulled', pulled)
      return image
    } catch (error) {
      const why = messageOf(error)
      recordOf(context, 'Normal', 'Pulling', `Pulling image "${name}"`)
      recordOf(context, 'Warning', 'Failed', `Failed to pull image "${name}": ${why}`)
      recordOf(context, 'Warning', 'Failed', 'Error: ErrImagePull')
      state.phase = { kind: 'waiting', reason: 'ErrImagePull', message: why }
      context.changed()
      await context.reported()
      if (ending.begun.aborted) return undefined
      backOffPull(context, why)
      await pause(waitMs, ending.begun)
      if (ending.begun.aborted) return undefined
    }
  }
}

function backOffPull(context: ContainerContext, why: string): void {
  const { state } = context
  const message = `Back-off pulling image "${state.spec.image}"`
  recordOf(context, 'Normal', 'BackOff', message)
  recordOf(context, 'Warning', 'Failed', 'Error: ImagePullBackOff')
  const full = `${message}: ErrImagePull: ${why}`
  state.phase = { kind: 'waiting', reason: 'ImagePullBackOff', message: full }
  context.changed()
}
