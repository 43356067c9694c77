import { setTimeout as delay } from 'node:timers/promises'
import { KubeError } from '../../../model/errors.ts'
import type { KubeClient } from '../../../model/kubernetes.ts'
import { pods } from '../../kube/types.ts'
import type { KubeletConfig } from './config.ts'
import type { ContainerState } from './container-state.ts'
import type { Pod } from './pod.ts'
import { podStatus } from './status.ts'

export interface StatusReporterInit {
  readonly kube: KubeClient
  readonly config: KubeletConfig
  readonly pod: () => Pod
  readonly address: () => string | undefined
  readonly states: readonly ContainerState[]
  readonly signal: AbortSignal
}

/** Sends a pod's status to the API: the newest, never two at once, again and again until it is taken. */
export interface StatusReporter {
  /** Something changed: send when the current turn is over. */
  soon(): void
  /** Resolves when everything that was said so far is sent. */
  sent(): Promise<void>
  /** Sends the last status and deletes the pod for good, unless it is gone already. */
  final(gone: AbortSignal): Promise<void>
}

const retryMs = 200

export function statusReporter(init: StatusReporterInit): StatusReporter {
  const transitions = new Map<string, { readonly status: string; readonly at: string }>()
  const startTime = new Date()
  let wanted = 0
  let done = 0
  let running: Promise<void> | undefined
  const send = async (): Promise<void> => {
    while (done < wanted && !init.signal.aborted) {
      const turn = wanted
      const pod = init.pod()
      const { name, namespace } = pod.metadata
      const address = init.address()
      const status = podStatus({ ...init, pod, address, startTime, transitions })
      try {
        await init.kube.patch(
          pods,
          { namespace, name },
          { status },
          { signal: init.signal, type: 'merge', subresource: 'status' },
        )
        done = turn
      } catch (error) {
        if (error instanceof KubeError && error.status === 404) done = turn
        else await delay(retryMs, undefined, { signal: init.signal }).catch(() => undefined)
      }
    }
    running = undefined
  }
  const soon = (): void => {
    wanted += 1
    running ??= Promise.resolve().then(send)
  }
  return {
    soon,
    sent: async () => {
      await running
    },
    final: async (gone) => {
      if (gone.aborted) return
      soon()
      await running
      const { name, namespace, uid } = init.pod().metadata
      const options = { signal: init.signal, gracePeriodSeconds: 0, preconditions: { uid } }
      while (!gone.aborted && !init.signal.aborted) {
        try {
          await init.kube.delete(pods, { namespace, name }, options)
          return
        } catch (error) {
          if (error instanceof KubeError && error.status === 409) return
          await delay(retryMs, undefined, { signal: init.signal }).catch(() => undefined)
        }
      }
    },
  }
}
