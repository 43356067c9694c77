import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { podFolder, scratchFolder } from '../config.ts'
import { type ContainerState, hasSucceeded, newState } from '../container/state.ts'
import { runContainer } from '../container/runner.ts'
import { aborted, pause } from '../time.ts'
import { type ContainerContext, graceMs, type NodeContext, type PodContext } from './context.ts'
import { type Ending, ending } from './ending.ts'
import type { Pod } from './pod.ts'
import { setUpPod } from './set-up.ts'
import { podStatus } from './status.ts'
import { statusReporter } from './status-reporter.ts'

/** Runs one pod from its admission to its end. */
export interface PodWorker {
  readonly pod: Pod
  readonly states: readonly ContainerState[]
  /** Takes a newer version of the pod; one with a deletion time stamp ends it gracefully. */
  update(pod: Pod): void
  /** Ends the pod at once: it is gone from the API already. */
  kill(): void
  /** Resolves when nothing of the pod is left on the node. */
  readonly finished: Promise<void>
}

/** The API gets this long to take a state that will not last, before the next one follows. */
const reportedMs = 1_000

export function podWorker(first: Pod, node: NodeContext): PodWorker {
  const { config } = node
  let pod = first
  let address: string | undefined
  let hasSandbox = false
  const states = statesOf(first)
  const end = ending()
  const gone = new AbortController()
  const startTime = new Date()
  const transitions = new Map<string, { status: string; at: string }>()
  const status = (): Record<string, unknown> =>
    podStatus({ pod, config, address, hasSandbox, startTime, states, transitions })
  const report = statusReporter({ kube: node.kube, pod: () => pod, signal: node.signal, status })

  const live = async (): Promise<void> => {
    report.soon()
    const made = await setUpPod(() => pod, node, end)
    if (made === undefined) return
    address = made.sandbox.address
    hasSandbox = true
    try {
      await runAll({
        ...made,
        node,
        pod: () => pod,
        changed: () => {
          report.soon()
        },
        reported: () => Promise.race([report.sent(), pause(reportedMs, end.begun)]),
      })
    } finally {
      await made.sandbox[Symbol.asyncDispose]()
      hasSandbox = false
      report.soon()
    }
  }

  const runAll = async (context: PodContext): Promise<void> => {
    const of = (state: ContainerState, its: Ending): ContainerContext => ({
      ...context,
      state,
      ending: its,
    })
    const sidecarEnd = ending()
    const sidecars: Promise<void>[] = []
    const isDone = await runInits()
    if (isDone)
      await Promise.all(
        states.filter(({ role }) => role === 'main').map((state) => runContainer(of(state, end))),
      )
    sidecarEnd.within(end.begun.aborted ? end.leftMs() : graceMs(pod))
    await Promise.all(sidecars)

    /** @returns whether all of them have done their work */
    async function runInits(): Promise<boolean> {
      for (const state of states.filter(({ role }) => role !== 'main')) {
        if (end.begun.aborted) return false
        if (state.role === 'sidecar') {
          sidecars.push(runContainer(of(state, sidecarEnd)))
          await startOf(state, end.begun)
        } else {
          await runContainer(of(state, end))
          if (!hasSucceeded(state)) return false
        }
      }
      return true
    }
  }

  const finish = async (): Promise<void> => {
    await live()
    await aborted(end.begun)
    await report.final(gone.signal)
    const { uid } = pod.metadata
    for (const folder of [podFolder(config, uid), join(scratchFolder(config), uid)])
      await rm(folder, { recursive: true, force: true })
  }

  const tellKilling = (): void => {
    for (const { spec, phase } of states)
      if (phase.kind === 'running')
        node.record(
          { kind: 'Pod', metadata: pod.metadata, container: spec.name },
          'Normal',
          'Killing',
          `Stopping container ${spec.name}`,
        )
  }

  return {
    get pod() {
      return pod
    },
    states,
    update: (next) => {
      pod = next
      // why: the node controller writes NotReady while this node is away, and nobody but us takes it back
      if (readyOf(next.status) === 'False' && readyOf(status()) === 'True') report.again()
      const { deletionTimestamp, deletionGracePeriodSeconds } = next.metadata
      if (deletionTimestamp === undefined) return
      if (!end.begun.aborted) tellKilling()
      end.within(
        deletionGracePeriodSeconds === undefined
          ? graceMs(next)
          : deletionGracePeriodSeconds * 1000,
      )
    },
    kill: () => {
      if (!end.begun.aborted) tellKilling()
      gone.abort()
      end.within(0)
    },
    finished: finish(),
  }
}

function statesOf({ spec }: Pod): readonly ContainerState[] {
  const inits = spec.initContainers ?? []
  const reason = inits.length > 0 ? 'PodInitializing' : 'ContainerCreating'
  return [
    ...inits.map((one) =>
      newState(one, one.restartPolicy === 'Always' ? 'sidecar' : 'init', reason),
    ),
    ...spec.containers.map((one) => newState(one, 'main', reason)),
  ]
}

interface Conditions {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[]
}

function readyOf(status: Record<string, unknown> | undefined): string | undefined {
  const { conditions = [] } = (status ?? {}) as Conditions
  return conditions.find(({ type }) => type === 'Ready')?.status
}

/** How often a sidecar is looked at until it has started. */
const pollMs = 20

async function startOf(state: ContainerState, signal: AbortSignal): Promise<void> {
  while (!state.started && !signal.aborted) await pause(pollMs, signal)
}
