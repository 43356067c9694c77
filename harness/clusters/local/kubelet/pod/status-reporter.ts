import { KubeError } from '../../../../model/errors.ts'
import type { KubeClient } from '../../../../model/kubernetes.ts'
import { pods } from '../../../kube/types.ts'
import { bounded, pause } from '../time.ts'
import type { Pod } from './pod.ts'

export interface StatusReporterInit {
  readonly kube: KubeClient
  readonly pod: () => Pod
  readonly status: () => Record<string, unknown>
  /** Aborted when the kubelet ends. */
  readonly signal: AbortSignal
}

/** Sends a pod's status to the API: the newest, never two at once, again and again until it is taken. */
export interface StatusReporter {
  /** Something changed: send when the current turn is over. */
  soon(): void
  /** Somebody else wrote another status: send ours even when it is the same as before. */
  again(): void
  /** Resolves when everything that was said so far is sent. */
  sent(): Promise<void>
  /** Sends the last status and deletes the pod for good. `gone` says that the API has it no more. */
  final(gone: AbortSignal): Promise<void>
}

const firstRetryMs = 100
const longestRetryMs = 2_000

export function statusReporter({ kube, pod, status, signal }: StatusReporterInit): StatusReporter {
  let wanted = 0
  let done = 0
  let lastSent = ''
  let running: Promise<void> | undefined
  const send = async (): Promise<void> => {
    let retryMs = firstRetryMs
    while (done < wanted && !signal.aborted) {
      const turn = wanted
      const { name, namespace, uid } = pod().metadata
      const body = { metadata: { uid }, status: status() }
      try {
        if (JSON.stringify(body) !== lastSent)
          await bounded(signal, (each) => {
            const options = { signal: each, type: 'strategic', subresource: 'status' } as const
            return kube.patch(pods, { namespace, name }, body, options)
          })
        lastSent = JSON.stringify(body)
        done = turn
        retryMs = firstRetryMs
      } catch (error) {
        if (isGone(error)) done = turn
        else await pause(retryMs, signal)
        retryMs = Math.min(retryMs * 2, longestRetryMs)
      }
    }
    running = undefined
  }
  const soon = (): void => {
    wanted += 1
    running ??= Promise.resolve().then(send)
  }
  const remove = async (gone: AbortSignal): Promise<void> => {
    const { name, namespace, uid } = pod().metadata
    while (!gone.aborted && !signal.aborted) {
      try {
        await bounded(signal, (each) =>
          kube.delete(
            pods,
            { namespace, name },
            { signal: each, gracePeriodSeconds: 0, preconditions: { uid } },
          ),
        )
        return
      } catch (error) {
        if (isGone(error)) return
        await pause(longestRetryMs, signal)
      }
    }
  }
  return {
    soon,
    again: () => {
      lastSent = ''
      soon()
    },
    sent: async () => {
      await running
    },
    final: async (gone) => {
      if (gone.aborted) return
      soon()
      await running
      await remove(gone)
    },
  }
}

/** 404: it is deleted; 409 and 422: another pod has its name (the uid differs). */
function isGone(error: unknown): boolean {
  return error instanceof KubeError && [404, 409, 422].includes(error.status)
}
