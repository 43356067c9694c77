import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { podFolder, scratchFolder } from '../config.ts'
import { type ContainerContext, factsOf, recordOf } from '../pod/context.ts'
import { environmentOf, expand } from '../pod/env.ts'
import { sources } from '../pod/sources.ts'
import { bounded } from '../time.ts'
import { type Container, type ContainerExit, StartError, startContainer } from './container.ts'
import { commandLine, type Image } from './images.ts'
import { containerLog } from './log.ts'
import { mountsOf } from './mounts.ts'
import { prepareRootFs, type RootFs } from './root-fs.ts'
import type { Termination } from './state.ts'
import { stopContainer } from './stop.ts'
import { watchOver } from './watch-over.ts'

/**
 * Runs a container once, from its start to its end.
 * @throws Error when its configuration cannot be had: a missing ConfigMap, a wrong fieldPath
 */
export async function runOnce(context: ContainerContext, image: Image): Promise<Termination> {
  const { state, ending, sandbox } = context
  const id = randomBytes(32).toString('hex')
  const { init, rootFs } = await prepare(context, image, id)
  recordOf(context, 'Normal', 'Created', `Created container: ${state.spec.name}`)
  const createdAt = new Date()
  let container: Container
  try {
    container = await startContainer(init)
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    recordOf(context, 'Warning', 'Failed', `Error: ${error.message}`)
    return neverRan(id, createdAt, error)
  }
  recordOf(context, 'Normal', 'Started', `Started container ${state.spec.name}`)
  state.phase = { kind: 'running', container }
  const ended = new AbortController()
  const target = { address: sandbox.address, spec: state.spec, container }
  context.changed()
  if (state.role !== 'init') void watchOver(context, target, ended.signal)
  const stop = (): void => {
    void stopContainer(context, container, target, ending)
  }
  if (ending.begun.aborted) stop()
  else ending.begun.addEventListener('abort', stop, { once: true })
  const exit = await container.exited
  ended.abort()
  ending.begun.removeEventListener('abort', stop)
  state.ready = false
  state.started = false
  return termination(context, id, container.startedAt, exit, rootFs)
}

async function prepare(
  context: ContainerContext,
  image: Image,
  id: string,
): Promise<{ readonly init: Parameters<typeof startContainer>[0]; readonly rootFs: RootFs }> {
  const { node, pod: current, sandbox, state, volumes } = context
  const { config } = node
  const pod = current()
  const { spec } = state
  const env = await bounded(node.signal, (signal) =>
    environmentOf(
      {
        pod,
        spec,
        image: image.env ?? {},
        facts: factsOf(context),
        from: sources(node.kube, pod.metadata.namespace),
        config,
      },
      { signal },
    ),
  )
  const runs = join(scratchFolder(config), pod.metadata.uid, 'containers', spec.name)
  const folder = join(runs, id.slice(0, 12))
  // why: a container starts from its image, whatever the run before it wrote
  rmSync(runs, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const podFiles = podFolder(config, pod.metadata.uid)
  const rootFs = prepareRootFs({
    folder,
    podFolder: podFiles,
    runDir: config.runDir,
    privileged: spec.securityContext?.privileged === true,
    mounts: [...(image.files?.(folder) ?? []), ...mountsOf(spec, volumes, env)],
  })
  const log = containerLog(join(podFiles, 'containers', spec.name, `${state.restartCount}.log`))
  if (state.log !== undefined) state.previousLog = state.log
  state.log = log
  const argv = commandLine(image, spec).map((word) => expand(word, env))
  const workingDir = spec.workingDir ?? '/'
  const init = { id, holder: sandbox.pid, argv, env, workingDir, rootFs: folder, log }
  return { init, rootFs }
}

/** Longest termination message that Kubernetes keeps. */
const messageCharacters = 4096

/**
 * The message is what the container wrote to its terminationMessagePath. An error without one quotes the end of the
 * log, as terminationMessagePolicy FallbackToLogsOnError does, whatever the policy says: here it helps people.
 */
function termination(
  { state }: ContainerContext,
  containerId: string,
  startedAt: Date,
  exit: ContainerExit,
  rootFs: RootFs,
): Termination {
  const written = rootFs.read(state.spec.terminationMessagePath ?? '/dev/termination-log') ?? ''
  const fallback = exit.code === 0 ? '' : exit.lastOutput
  return {
    containerId,
    startedAt,
    exit,
    reason: exit.code === 0 ? 'Completed' : 'Error',
    message: (written === '' ? fallback : written).slice(0, messageCharacters),
  }
}

/** As containerd: a container whose program cannot be started has exit code 128 and began at the epoch. */
function neverRan(containerId: string, createdAt: Date, error: StartError): Termination {
  return {
    containerId,
    startedAt: new Date(0),
    exit: { code: 128, finishedAt: createdAt },
    reason: 'StartError',
    message: error.message,
  }
}
