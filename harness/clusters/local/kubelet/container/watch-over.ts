import { type ContainerContext, graceMs, recordOf } from '../pod/context.ts'
import { ending } from '../pod/ending.ts'
import type { ProbeSpec } from '../pod/pod.ts'
import { type HandlerTarget, runHandler } from './handlers.ts'
import { runProber } from './prober.ts'
import { stopContainer } from './stop.ts'

/** postStart hooks have no time limit of their own in Kubernetes; one that hangs must not hang a test run. */
const longestHookMs = 600_000

/** postStart, then the startup, readiness and liveness probes of one run of a container, until `signal` says it ended. */
export async function watchOver(
  context: ContainerContext,
  target: HandlerTarget,
  signal: AbortSignal,
): Promise<void> {
  const { state } = context
  const { lifecycle, startupProbe, readinessProbe, livenessProbe } = state.spec
  if (lifecycle?.postStart !== undefined) {
    const { ok, message } = await runHandler(lifecycle.postStart, target, longestHookMs)
    if (signal.aborted) return
    if (!ok) {
      recordOf(context, 'Warning', 'FailedPostStartHook', `PostStartHook failed: ${message}`)
      restart(context, target, 'FailedPostStartHook', undefined)
      return
    }
  }
  if (startupProbe !== undefined) await runStartup(context, target, startupProbe, signal)
  if (signal.aborted) return
  state.started = true
  state.ready = readinessProbe === undefined
  context.changed()
  await Promise.all([
    readinessProbe === undefined
      ? undefined
      : runProber({
          probe: readinessProbe,
          target,
          signal,
          eager: true,
          onVerdict: (ok) => {
            state.ready = ok
            context.changed()
          },
          onFailure: unhealthy(context, 'Readiness', readinessProbe),
        }),
    livenessProbe === undefined
      ? undefined
      : runProber({
          probe: livenessProbe,
          target,
          signal,
          eager: false,
          onVerdict: (ok) => {
            if (!ok) restart(context, target, 'failed liveness probe', livenessProbe)
          },
          onFailure: unhealthy(context, 'Liveness', livenessProbe),
        }),
  ])
}

function runStartup(
  context: ContainerContext,
  target: HandlerTarget,
  probe: ProbeSpec,
  signal: AbortSignal,
): Promise<void> {
  return runProber({
    probe,
    target,
    signal,
    eager: true,
    once: true,
    onVerdict: (ok) => {
      if (!ok) restart(context, target, 'failed startup probe', probe)
    },
    onFailure: unhealthy(context, 'Startup', probe),
  })
}

function unhealthy(
  context: ContainerContext,
  kind: string,
  { exec }: ProbeSpec,
): (message: string) => void {
  return (message) => {
    // why: the real kubelet says "failed" for what answered badly and "errored" for what could not be asked
    const verb = exec !== undefined && message.startsWith('command ') ? 'errored' : 'failed'
    recordOf(context, 'Warning', 'Unhealthy', `${kind} probe ${verb}: ${message}`)
  }
}

/** Ends this run of the container; its runner starts the next by the restart policy. */
function restart(
  context: ContainerContext,
  target: HandlerTarget,
  why: string,
  probe: ProbeSpec | undefined,
): void {
  const { name } = context.state.spec
  const message =
    probe === undefined ? `FailedPostStartHook` : `Container ${name} ${why}, will be restarted`
  recordOf(context, 'Normal', 'Killing', message)
  const seconds = probe?.terminationGracePeriodSeconds
  const end = ending()
  end.within(seconds === undefined ? graceMs(context.pod()) : seconds * 1000)
  void stopContainer(context, target.container, target, end)
}
