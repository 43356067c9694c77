import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { buildFabric } from '../network/fabric.ts'
import { command } from '../network/command.ts'
import { placeNodes } from '../topology.ts'
import { componentsOf } from './cluster-components.ts'
import { startComponent } from './components.ts'
import { insideDirectory, type SandboxConfig, type SandboxEvent } from './config.ts'
import { serveControl } from './control.ts'
import { holdNode, holdRouter } from './holder.ts'

/*
 * Process 1 of the sandbox. It lives as long as its stdin: when the harness ends, however it ends, stdin ends,
 * this process exits, and the kernel kills everything else in the pid namespace and takes the networks down.
 */

function tell(event: SandboxEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

function firstLine(): Promise<string> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin })
    lines.once('line', resolve)
    lines.once('close', () => {
      process.exit(0)
    })
  })
}

/**
 * Makes the run folder reachable under one name that nothing is mounted over, and gives the sandbox a /run of its own.
 * A package that lies under /tmp is kept reachable there as well, although every node gets its own /tmp.
 */
async function mountRunDirectory({ runDirectory, packageDirectory }: SandboxConfig): Promise<void> {
  const kept = keptFolder(packageDirectory)
  const script = `set -e
mkdir -p ${runDirectory}/inside
mount --bind ${runDirectory} ${runDirectory}/inside
${kept === undefined ? '' : `mkdir -p ${runDirectory}/kept && mount --bind ${kept} ${runDirectory}/kept`}
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p ${insideDirectory} /run/meshmark-kept /run/lock
mount --bind ${runDirectory}/inside ${insideDirectory}
${kept === undefined ? '' : `mount --bind ${runDirectory}/kept /run/meshmark-kept`}
`
  if (!existsSync(runDirectory)) throw new Error(`${runDirectory} is gone`)
  await command(['sh', '-c', script])
  if (kept !== undefined) writeFileSync(join(insideDirectory, 'kept-folder'), kept)
  for (const folder of ['logs', 'nodes', 'pki'])
    mkdirSync(join(insideDirectory, folder), { recursive: true })
}

/** The folder directly below /tmp that holds the package, if it lies there. */
function keptFolder(packageDirectory: string): string | undefined {
  let folder = packageDirectory
  while (dirname(folder) !== '/tmp') {
    if (dirname(folder) === folder) return undefined
    folder = dirname(folder)
  }
  return folder
}

async function boot(config: SandboxConfig): Promise<void> {
  await mountRunDirectory(config)
  const nodes = placeNodes(config.topology)
  tell({ event: 'progress', line: `networks for ${nodes.map(({ name }) => name).join(', ')}` })
  const [router, ...held] = await Promise.all([
    holdRouter(),
    ...nodes.map((node) => holdNode(node, nodes)),
  ])
  const holders = new Map(nodes.map((node, index) => [node.name, held[index]?.pid ?? 0]))
  await buildFabric(config.topology, nodes, { nodes: holders, router: router.pid })
  await serveControl({ nodes, holders })
  tell({ event: 'progress', line: 'control plane and kubelets' })
  const onExit = (message: string): void => {
    tell({ event: 'failed', message })
  }
  await Promise.all(
    componentsOf(config, nodes, holders).map((component) =>
      startComponent({ ...component, onExit }),
    ),
  )
  tell({ event: 'ready' })
}

try {
  await boot(JSON.parse(await firstLine()) as SandboxConfig)
} catch (error) {
  tell({ event: 'failed', message: error instanceof Error ? error.message : String(error) })
}
