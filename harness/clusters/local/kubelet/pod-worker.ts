import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { KubeClient } from '../../../model/kubernetes.ts'
import { type KubeletConfig, podFolder } from './config.ts'
import type { Cni } from './cni.ts'
import { type Container, type ContainerExit, startContainer } from './container.ts'
import { containerLog } from './container-log.ts'
import { type ContainerState, newState } from './container-state.ts'
import { environmentOf } from './env.ts'
import type { Recorder } from './events.ts'
import { type HandlerTarget, runHandler } from './handlers.ts'
import { commandLine, type Image, repositoryOf } from './images.ts'
import type { ContainerSpec, Pod } from './pod.ts'
import { type Mount, mountAll, type PodSandbox, startPodSandbox } from './pod-sandbox.ts'
import { runProber } from './prober.ts'
import { sources } from './sources.ts'
import { statusReporter, type StatusReporter } from './status-reporter.ts'
import { makeVolumes } from './volumes.ts'

export interface WorkerComponents {
  readonly kube: KubeClient
  readonly config: KubeletConfig
  readonly cni: Cni
  readonly images: ReadonlyMap<string, Image>
  readonly record: Recorder
  readonly signal: AbortSignal
}

/** Runs one pod from its admission to its end. */
export interface PodWorker {
  readonly pod: Pod
  readonly states: readonly ContainerState[]
  /** Takes a newer version of the pod; one with a deletion time stamp ends it gracefully. */
  update(pod: Pod): void
  /** Ends the pod at once: it is gone from the API already. */
  kill(): void
  /** Words that enter a running container's namespaces. */
  enter(container: string): readonly string[] | undefined
  /** Resolves when nothing of the pod is left on the node. */
  readonly finished: Promise<void>
}

/** Kubernetes: 10 s, doubled up to 5 min, forgotten after 10 min of good running. */
const firstBackOffMs = 10_000
const longestBackOffMs = 300_000
const forgetBackOffMs = 600_000

/** Pause between tries to set a pod up whose ConfigMap or Secret is missing. */
const setUpRetryMs = 500

const defaultGraceSeconds = 30

export function podWorker(first: Pod, components: WorkerComponents): PodWorker {
  const { config, record, kube } = components
  let pod = first
  const states = [
    ...(pod.spec.initContainers ?? []).map((spec) => newState(spec, true)),
    ...pod.spec.containers.map((spec) => newState(spec, false)),
  ]
  const stopping = new AbortController()
  const killed = new AbortController()
  let sandbox: PodSandbox | undefined
  const report: StatusReporter = statusReporter({
    kube,
    config,
    pod: () => pod,
    address: () => sandbox?.address,
    states,
    signal: components.signal,
  })

  const enter = (name: string): readonly string[] | undefined => {
    const state = states.find(({ spec }) => spec.name === name)
    const pid = state?.phase.kind === 'running' ? state.phase.container.initPid() : undefined
    return pid === undefined
      ? undefined
      : ['nsenter', '-t', String(pid), '-n', '-m', '-u', '-i', '-p', '--']
  }

  const setUp = async (): Promise<PodSandbox> => {
    const folder = podFolder(config, pod.metadata.uid)
    const made = await startPodSandbox(pod, config, components.cni)
    try {
      const facts = factsOf(made)
      const from = sources(kube, pod.metadata.namespace)
      const init = { pod, facts, from, kube, folder: join(folder, 'volumes') }
      const volumes = await makeVolumes(init, components)
      await mountAll(made, folder, preparations(), mountsOf(pod, volumes))
      return made
    } catch (error) {
      await made[Symbol.asyncDispose]()
      throw error
    }
  }

  const factsOf = ({
    address,
  }: PodSandbox): { podIp: string; nodeName: string; nodeAddress: string } => ({
    podIp: address,
    nodeName: config.nodeName,
    nodeAddress: config.nodeAddress,
  })

  const preparations = (): readonly string[] => {
    const used = states.map(({ spec }) => imageOf(spec)?.prepare)
    return [...new Set(used.filter((script) => script !== undefined))]
  }

  const imageOf = (spec: ContainerSpec): Image | undefined =>
    components.images.get(repositoryOf(spec.image))

  const setUpPatiently = async (): Promise<PodSandbox | undefined> => {
    while (!stopping.signal.aborted) {
      try {
        return await setUp()
      } catch (error) {
        record(pod, 'Warning', 'FailedMount', messageOf(error))
        await delay(setUpRetryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
    return undefined
  }

  /** Waits for an image that will never come, as ImagePullBackOff does. */
  const noImage = async (state: ContainerState): Promise<void> => {
    const { spec } = state
    const known = [...components.images.keys()].join(', ')
    const why = `image "${spec.image}" is not known to provider local; it has: ${known}`
    record(pod, 'Normal', 'Pulling', `Pulling image "${spec.image}"`, spec.name)
    record(pod, 'Warning', 'Failed', `Failed to pull image "${spec.image}": ${why}`, spec.name)
    record(pod, 'Warning', 'Failed', 'Error: ErrImagePull', spec.name)
    state.phase = { kind: 'waiting', reason: 'ErrImagePull', message: why }
    report.soon()
    await report.sent()
    record(pod, 'Normal', 'BackOff', `Back-off pulling image "${spec.image}"`, spec.name)
    record(pod, 'Warning', 'Failed', 'Error: ImagePullBackOff', spec.name)
    state.phase = {
      kind: 'waiting',
      reason: 'ImagePullBackOff',
      message: `Back-off pulling image "${spec.image}": ErrImagePull: ${why}`,
    }
    report.soon()
    await aborted(stopping.signal)
  }

  const runOnce = async (
    state: ContainerState,
    made: PodSandbox,
    image: Image,
  ): Promise<ContainerExit> => {
    const { spec } = state
    const from = sources(kube, pod.metadata.namespace)
    const env = await environmentOf(pod, spec, factsOf(made), from, config, components)
    const folder = join(podFolder(config, pod.metadata.uid), 'containers', spec.name)
    const log = containerLog(join(folder, `${state.restartCount}.log`))
    state.logs.push(log)
    record(
      pod,
      'Normal',
      'Pulled',
      `Container image "${spec.image}" already present on machine`,
      spec.name,
    )
    const container = startContainer({
      id: randomBytes(32).toString('hex'),
      holder: made.pid,
      argv: commandLine(image, spec),
      env,
      workingDir: spec.workingDir ?? '/',
      log,
    })
    record(pod, 'Normal', 'Created', `Created container: ${spec.name}`, spec.name)
    record(pod, 'Normal', 'Started', `Started container ${spec.name}`, spec.name)
    state.phase = { kind: 'running', container }
    const ended = new AbortController()
    const target: HandlerTarget = {
      address: made.address,
      container: spec,
      enter: () => enter(spec.name),
    }
    if (!state.isInit) void watchOver(state, target, ended.signal)
    report.soon()
    const stop = (): void => {
      void stopContainer(state, container, target)
    }
    const kill = (): void => {
      container.signal('SIGKILL')
    }
    stopping.signal.addEventListener('abort', stop, { once: true })
    killed.signal.addEventListener('abort', kill, { once: true })
    const exit = await container.exited
    ended.abort()
    stopping.signal.removeEventListener('abort', stop)
    killed.signal.removeEventListener('abort', kill)
    state.phase = { kind: 'terminated', container, exit }
    state.ready = false
    state.started = false
    report.soon()
    return exit
  }

  /** postStart, startup, readiness and liveness of one run of a container. */
  const watchOver = async (
    state: ContainerState,
    target: HandlerTarget,
    signal: AbortSignal,
  ): Promise<void> => {
    const { spec } = state
    const unhealthy = (kind: string) => (message: string) => {
      record(pod, 'Warning', 'Unhealthy', `${kind} probe failed: ${message}`, spec.name)
    }
    const restart = (kind: string) => (ok: boolean) => {
      if (ok || state.phase.kind !== 'running') return
      record(
        pod,
        'Normal',
        'Killing',
        `Container ${spec.name} failed ${kind} probe, will be restarted`,
        spec.name,
      )
      void stopContainer(state, state.phase.container, target)
    }
    if (spec.lifecycle?.postStart !== undefined) {
      const result = await runHandler(spec.lifecycle.postStart, target, 30_000)
      if (!result.ok)
        record(
          pod,
          'Warning',
          'FailedPostStartHook',
          `PostStartHook failed: ${result.message}`,
          spec.name,
        )
    }
    if (spec.startupProbe !== undefined) {
      const onVerdict = restart('startup')
      await runProber({
        probe: spec.startupProbe,
        target,
        signal,
        once: true,
        onVerdict,
        onFailure: unhealthy('Startup'),
      })
    }
    if (signal.aborted) return
    state.started = true
    if (spec.readinessProbe === undefined) {
      state.ready = true
      report.soon()
    } else {
      const onVerdict = (ok: boolean): void => {
        state.ready = ok
        report.soon()
      }
      void runProber({
        probe: spec.readinessProbe,
        target,
        signal,
        onVerdict,
        onFailure: unhealthy('Readiness'),
      })
    }
    if (spec.livenessProbe !== undefined) {
      const onVerdict = restart('liveness')
      void runProber({
        probe: spec.livenessProbe,
        target,
        signal,
        onVerdict,
        onFailure: unhealthy('Liveness'),
      })
    }
  }

  /** preStop, SIGTERM, and SIGKILL when the grace period has passed. */
  const stopContainer = async (
    state: ContainerState,
    container: Container,
    target: HandlerTarget,
  ): Promise<void> => {
    const seconds =
      pod.metadata.deletionGracePeriodSeconds ??
      pod.spec.terminationGracePeriodSeconds ??
      defaultGraceSeconds
    const timer = setTimeout(() => {
      container.signal('SIGKILL')
    }, seconds * 1000)
    void container.exited.then(() => {
      clearTimeout(timer)
    })
    const { preStop } = state.spec.lifecycle ?? {}
    if (preStop !== undefined && seconds > 0) {
      const result = await runHandler(preStop, target, seconds * 1000)
      if (!result.ok)
        record(
          pod,
          'Warning',
          'FailedPreStopHook',
          `PreStopHook failed: ${result.message}`,
          state.spec.name,
        )
    }
    container.signal(seconds > 0 ? 'SIGTERM' : 'SIGKILL')
  }

  const mayRestart = (state: ContainerState, exit: ContainerExit): boolean => {
    const policy = pod.spec.restartPolicy ?? 'Always'
    if (state.isInit) return exit.code !== 0 && policy !== 'Never'
    return policy === 'Always' || (policy === 'OnFailure' && exit.code !== 0)
  }

  const runContainer = async (state: ContainerState, made: PodSandbox): Promise<void> => {
    const image = imageOf(state.spec)
    if (image === undefined) {
      await noImage(state)
      return
    }
    let backOffMs = firstBackOffMs
    while (!stopping.signal.aborted) {
      const startedAt = performance.now()
      const exit = await runOnce(state, made, image).catch((error: unknown) =>
        runFailure(state, error),
      )
      if (exit !== undefined && !mayRestart(state, exit)) return
      if (performance.now() - startedAt > forgetBackOffMs) backOffMs = firstBackOffMs
      if (exit !== undefined && state.restartCount > 0) await backOff(state, backOffMs)
      else if (exit === undefined)
        await delay(setUpRetryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (exit !== undefined && state.restartCount > 0)
        backOffMs = Math.min(backOffMs * 2, longestBackOffMs)
      if (stopping.signal.aborted) return
      if (state.phase.kind === 'terminated') state.last = state.phase
      if (exit !== undefined) state.restartCount += 1
    }
  }

  const runFailure = (state: ContainerState, error: unknown): undefined => {
    state.phase = {
      kind: 'waiting',
      reason: 'CreateContainerConfigError',
      message: messageOf(error),
    }
    record(pod, 'Warning', 'Failed', `Error: ${messageOf(error)}`, state.spec.name)
    report.soon()
    return undefined
  }

  const backOff = async (state: ContainerState, waitMs: number): Promise<void> => {
    if (stopping.signal.aborted) return
    const { name } = state.spec
    const message = `back-off ${waitMs / 1000}s restarting failed container=${name} pod=${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`
    if (state.phase.kind === 'terminated') state.last = state.phase
    state.phase = { kind: 'waiting', reason: 'CrashLoopBackOff', message }
    record(
      pod,
      'Warning',
      'BackOff',
      `Back-off restarting failed container ${name} in pod ${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`,
      name,
    )
    report.soon()
    await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined)
  }

  const live = async (): Promise<void> => {
    report.soon()
    sandbox = await setUpPatiently()
    if (sandbox === undefined) return
    const made = sandbox
    report.soon()
    try {
      for (const state of states.filter(({ isInit }) => isInit)) {
        await runContainer(state, made)
        if (state.phase.kind !== 'terminated' || state.phase.exit.code !== 0) return
      }
      await Promise.all(
        states.filter(({ isInit }) => !isInit).map((state) => runContainer(state, made)),
      )
    } finally {
      // why: a pod that has run to its end keeps its address until it is deleted
      if (!stopping.signal.aborted) report.soon()
    }
  }

  const finish = async (): Promise<void> => {
    await live()
    await aborted(stopping.signal)
    await sandbox?.[Symbol.asyncDispose]()
    await report.final(killed.signal)
    await rm(podFolder(config, pod.metadata.uid), { recursive: true, force: true })
  }

  return {
    get pod() {
      return pod
    },
    states,
    update: (next) => {
      pod = next
      if (next.metadata.deletionTimestamp === undefined || stopping.signal.aborted) return
      for (const { spec, phase } of states)
        if (phase.kind === 'running')
          record(pod, 'Normal', 'Killing', `Stopping container ${spec.name}`, spec.name)
      stopping.abort()
    },
    kill: () => {
      killed.abort()
      stopping.abort()
    },
    enter,
    finished: finish(),
  }
}

function mountsOf(pod: Pod, volumes: ReadonlyMap<string, string>): readonly Mount[] {
  const mounts = new Map<string, Mount>()
  for (const { volumeMounts = [] } of [...(pod.spec.initContainers ?? []), ...pod.spec.containers])
    for (const { name, mountPath, subPath, readOnly = false } of volumeMounts) {
      const source = volumes.get(name)
      if (source === undefined)
        throw new Error(
          `volume mount "${mountPath}" names volume "${name}", which the pod does not have`,
        )
      mounts.set(mountPath, {
        source: subPath === undefined ? source : join(source, subPath),
        target: mountPath,
        readOnly,
      })
    }
  return [...mounts.values()]
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve()
        },
        { once: true },
      )
  })
}
