import { Command } from 'commander'
import { readSettings } from '../../config/settings.ts'
import { broughtBy } from '../../engine/brought.ts'
import { phase } from '../../engine/phase.ts'
import type { Cluster } from '../../model/cluster.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Target } from '../../model/target.ts'
import { providerNamed, targetNamed } from '../adapters.ts'
import { interruptedExitCode, interruption, type Interruption } from '../interrupt.ts'
import { type RunFlags, withRunFlags } from '../options.ts'
import { stderr, stdout } from '../output.ts'
import type { Conclude } from '../program.ts'
import { type Progress, progress } from '../progress.ts'
import { newRunId } from '../run-id.ts'
import { readyFor, topologyFor } from '../session.ts'

/** `meshmark up`: boots a cluster with a target, prints the kubeconfig, holds it until Ctrl-C. */
export function upCommand(conclude: Conclude): Command {
  const command = new Command('up').description(
    'boots a cluster with the target in it, prints its kubeconfig and holds it until Ctrl-C',
  )
  return withRunFlags(command).action(async (flags: RunFlags) => {
    conclude(await up(flags))
  })
}

async function up(flags: RunFlags): Promise<number> {
  const settings = await readSettings(flags.config)
  const target = await targetNamed(flags.target ?? settings.target ?? 'reference', flags)
  const provider = providerNamed(flags.provider ?? settings.provider ?? 'local', {
    ...flags,
    target,
  })
  await readyFor(provider, flags)
  using stop = interruption()
  const held = new ResourceStack()
  const shown = progress()
  try {
    const { value: cluster } = await phase(
      { phase: 'provision', title: `Boot a cluster (${provider.id})`, tell: shown.tell },
      async () => {
        const { signal, lastResort } = stop
        const created = await provider.create(topologyFor(target, flags), {
          runId: newRunId(),
          signal,
          lastResort,
          ...(await broughtBy(target)),
        })
        return {
          value: held.use(created),
          summary: created.nodes.map(({ name }) => name).join(', '),
        }
      },
    )
    await deploy(cluster, target, held, shown, stop)
    await shown.finish()
    if (flags.keep) {
      await cluster.keep?.(target.id)
      // why: the target stays, too, so only the connections are let go of
      held.move()
      await cluster[Symbol.asyncDispose]()
      announce(cluster, flags)
      return 0
    }
    announce(cluster, flags)
    await aborted(stop.signal)
    return 0
  } catch (error) {
    if (stop.signal.aborted) return interruptedExitCode
    throw error
  } finally {
    await shown.finish()
    await held[Symbol.asyncDispose]()
  }
}

async function deploy(
  cluster: Cluster,
  target: Target,
  held: ResourceStack,
  shown: Progress,
  { signal }: Interruption,
): Promise<void> {
  await phase(
    { phase: 'deploy', title: `Deploy the target (${target.id})`, tell: shown.tell },
    async () => {
      const deployed = held.use(await target.deploy(cluster, { signal }))
      await deployed.ready({ signal })
      return { value: undefined, summary: `${target.identity.project} serves on every node` }
    },
  )
}

function announce({ kubeconfig, name, nodes }: Cluster, { json, keep }: RunFlags): void {
  if (json) {
    const shown = nodes.map(({ name: node, address, role }) => ({ name: node, address, role }))
    stdout(JSON.stringify({ kubeconfig, ...(name !== undefined && { name }), nodes: shown }))
    return
  }
  stdout(`export KUBECONFIG=${kubeconfig}`)
  stderr(
    keep && name !== undefined
      ? `The cluster ${name} stays. Use it with --cluster ${name}, remove it with: meshmark down ${name}`
      : 'The cluster is up. Ctrl-C removes it.',
  )
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // why: handlers of signals do not keep Node.js running, and a cluster of containers leaves it nothing else to wait for
    const running = setInterval(() => undefined, 60_000)
    const end = () => {
      clearInterval(running)
      resolve()
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
}
