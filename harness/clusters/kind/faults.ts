import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import type { Fault } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import { ended, output } from './cli.ts'
import { argvIn } from './leftovers.ts'
import { nodesReady } from './nodes-ready.ts'
import { faultRules } from './rules.ts'
import { noteFault } from './state.ts'

/** How long a fault may take to heal; healing is not given up with the run. */
const healMs = 180_000

/** How long a killed program may take to run again: kubelets wait longer each time (CrashLoopBackOff). */
const runsAgainMs = 120_000

/** What the kernel keeps of a program's name (proc_pid_comm(5)). */
const commCharacters = 15

export interface FaultsInit {
  /** Name of the cluster. */
  readonly name: string
  /** Docker network of the nodes. */
  readonly network: string
  readonly kube: KubeClient
  readonly masterAddress: string
  readonly nodeNames: readonly string[]
  readonly containerOf: (node: string) => string
  /** The rules of a node that was stopped are gone; its processes, too. */
  readonly restarted: (node: string, options: AbortOptions) => Promise<void>
}

/** Breaks something; written down first, so that somebody can undo it when this harness is killed. */
export async function breakSomething(
  init: FaultsInit,
  fault: Fault,
  options: AbortOptions,
): Promise<AsyncDisposable> {
  switch (fault.kind) {
    case 'stop-node':
      return stopNode(init, fault.node, options)
    case 'kill-component':
      return killComponent(init, fault, options)
    default:
      return shapeNetwork(init, fault, options)
  }
}

async function shapeNetwork(
  { name, masterAddress, containerOf }: FaultsInit,
  fault: Fault,
  options: AbortOptions,
): Promise<AsyncDisposable> {
  const { apply, undo } = faultRules(fault, masterAddress)
  const container = containerOf('node' in fault ? fault.node : '')
  const forget = await noteFault(name, container, undo)
  for (const argv of apply) await output(argvIn(container, argv), options)
  return healing(async (bounded) => {
    for (const argv of undo) await output(argvIn(container, argv), bounded)
    await forget()
  })
}

async function stopNode(
  { name, network, kube, nodeNames, containerOf, restarted }: FaultsInit,
  node: string,
  options: AbortOptions,
): Promise<AsyncDisposable> {
  const container = containerOf(node)
  const before = await addressOf(network, container, options)
  const start = ['docker', 'start', container]
  const forget = await noteFault(name, container, [start])
  await output(['docker', 'kill', container], options)
  return healing(async (bounded) => {
    await output(start, bounded)
    const after = await addressOf(network, container, bounded)
    if (after !== before)
      throw new ClusterError(
        'fault-failed',
        `${node} came back as ${after}, it was ${before}: Docker gave its address away`,
        { hint: 'remove this cluster; nothing on it can be trusted any more' },
      )
    await restarted(node, bounded)
    await nodesReady(kube, nodeNames, bounded)
    await forget()
  })
}

async function addressOf(
  network: string,
  container: string,
  options: AbortOptions,
): Promise<string> {
  const format = `{{(index .NetworkSettings.Networks ${JSON.stringify(network)}).IPAddress}}`
  return (await output(['docker', 'inspect', '-f', format, container], options)).trim()
}

async function killComponent(
  { containerOf }: FaultsInit,
  { node, component }: Extract<Fault, { kind: 'kill-component' }>,
  options: AbortOptions,
): Promise<AsyncDisposable> {
  const container = containerOf(node)
  const before = await pidsOf(container, component, options)
  if (before.length === 0)
    throw new ClusterError('fault-failed', `no process on ${node} is called ${component}`, {
      hint: `see what runs there: docker exec ${container} ps -e -o comm`,
    })
  await output(['docker', 'exec', container, 'kill', '-KILL', ...before], options)
  return healing(async (bounded) => {
    const deadline = performance.now() + runsAgainMs
    while ((await pidsOf(container, component, bounded)).every((pid) => before.includes(pid))) {
      if (performance.now() > deadline)
        throw new ClusterError(
          'fault-failed',
          `${component} on ${node} does not run again after ${runsAgainMs / 1_000} s`,
        )
      await delay(200, undefined, bounded)
    }
  })
}

async function pidsOf(
  container: string,
  component: string,
  options: AbortOptions,
): Promise<readonly string[]> {
  const find = `grep -lxF -- "$1" /proc/[0-9]*/comm 2>/dev/null`
  const { stdout } = await ended(
    ['docker', 'exec', container, 'sh', '-c', find, 'sh', component.slice(0, commCharacters)],
    options,
  )
  return [...stdout.matchAll(/\/proc\/(\d+)\//g)].map(([, pid = '']) => pid)
}

function healing(undo: (options: AbortOptions) => Promise<void>): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => undo({ signal: AbortSignal.timeout(healMs) }) }
}
