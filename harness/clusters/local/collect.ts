import { setMaxListeners } from 'node:events'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { AbortOptions } from '../../model/abort.ts'
import type { KubeClient, KubeObject, ResourceType } from '../../model/kubernetes.ts'
import { builtInTypes } from '../kube/types.ts'
import type { Sandbox } from './sandbox/client.ts'
import type { PlacedNode } from './topology.ts'

export interface CollectInit {
  readonly kube: KubeClient
  readonly sandbox: Pick<Sandbox, 'exec'>
  readonly runDirectory: string
  readonly nodes: readonly PlacedNode[]
}

/** Commands whose output tells how a node's network stands. */
const nodeViews: Readonly<Record<string, readonly string[]>> = {
  'nft-ruleset': ['nft', 'list', 'ruleset'],
  addresses: ['ip', '-s', 'addr'],
  routes: ['ip', 'route', 'show', 'table', 'all'],
  neighbours: ['ip', 'neigh'],
  sockets: ['ss', '-ntulp'],
  processes: ['ps', '-ef', '--forest'],
  'resolv.conf': ['cat', '/etc/resolv.conf'],
}

/** Types whose objects nobody should find in a report. */
const secretTypes = ['secrets']

/**
 * Writes down what people look at who look for the cause of a failure: components' logs, pods' logs, every object,
 * events in order, and the network of every node. What cannot be had is named in `problems.txt`; the rest is written.
 */
export async function collectEvidence(
  { kube, sandbox, runDirectory, nodes }: CollectInit,
  directory: string,
  { signal }: AbortOptions,
): Promise<void> {
  signal.throwIfAborted()
  const options = { signal: AbortSignal.any([signal]) }
  // why: a few dozen requests at once listen to it, and Node.js would take that for a leak
  setMaxListeners(0, options.signal)
  await mkdir(directory, { recursive: true })
  const problems: string[] = []
  const each = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const write = (name: string, text: string): Promise<void> =>
    writeFile(join(directory, name), text)
  await Promise.all([
    each('logs', () =>
      cp(join(runDirectory, 'logs'), join(directory, 'logs'), { recursive: true }),
    ),
    ...nodes.map(({ name }) =>
      each(`pod logs of ${name}`, () =>
        copyPodLogs(join(runDirectory, 'nodes', name, 'pods'), join(directory, 'pod-logs', name)),
      ),
    ),
    ...builtInTypes
      .filter(({ plural }) => !secretTypes.includes(plural))
      .map((type) =>
        each(type.plural, async () => {
          const { items } = await kube.list(type, options)
          if (items.length === 0) return
          await write(fileOf(type), JSON.stringify(items, null, 2))
          if (type.plural === 'events') await write('events.txt', eventLines(items))
        }),
      ),
    ...nodes.flatMap(({ name: node }) =>
      Object.entries(nodeViews).map(([view, argv]) =>
        each(`${node} ${view}`, async () => {
          await write(`${node}-${view}.txt`, await outputOf(sandbox, node, argv, options))
        }),
      ),
    ),
  ])
  if (problems.length > 0) await write('problems.txt', `${problems.join('\n')}\n`)
  signal.throwIfAborted()
}

function fileOf({ group, plural }: ResourceType): string {
  return `${plural}${group === '' ? '' : `.${group}`}.json`
}

/** The logs that kubelets keep beside a pod's other files: `<uid>/containers/<name>/<run>.log`. */
async function copyPodLogs(from: string, to: string): Promise<void> {
  await cp(from, to, {
    recursive: true,
    filter: (path) => {
      const [, folder = 'containers'] = relative(from, path).split('/')
      return folder === 'containers'
    },
  })
}

/** Events as people read them, the oldest first. */
function eventLines(events: readonly KubeObject[]): string {
  const lines = events.map((event) => {
    const { type, reason, message, lastTimestamp, eventTime, involvedObject } =
      event as KubeObject &
        Readonly<Record<string, string | undefined>> & {
          readonly involvedObject?: { readonly kind?: string; readonly name?: string }
        }
    const at = lastTimestamp ?? eventTime ?? event.metadata.creationTimestamp ?? ''
    const object = `${involvedObject?.kind ?? ''}/${involvedObject?.name ?? ''}`
    return `${at} ${type ?? ''} ${reason ?? ''} ${object}: ${message ?? ''}`
  })
  return `${lines.sort().join('\n')}\n`
}

async function outputOf(
  sandbox: Pick<Sandbox, 'exec'>,
  node: string,
  argv: readonly string[],
  options: AbortOptions,
): Promise<string> {
  await using channel = await sandbox.exec({ node, argv }, options)
  channel.end()
  const lines: string[] = []
  for await (const line of channel.messages)
    lines.push(typeof line === 'string' ? line : JSON.stringify(line))
  const { stderr } = await channel.exited
  return `${lines.join('\n')}\n${stderr}`
}
