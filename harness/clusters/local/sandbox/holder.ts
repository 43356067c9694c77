import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programPath } from '../network/command.ts'
import type { PlacedNode } from '../topology.ts'
import { insideDirectory } from './config.ts'

/** A process that does nothing but keep the namespaces of a node (or of the router) alive. */
export interface Holder {
  readonly pid: number
  readonly process: ChildProcess
}

/** A node's namespaces: network, mounts with a resolv.conf, hosts and /tmp of its own, host name. */
export function holdNode(node: PlacedNode, nodes: readonly PlacedNode[]): Promise<Holder> {
  const folder = join(insideDirectory, 'nodes', node.name)
  mkdirSync(join(folder, 'tmp'), { recursive: true })
  mkdirSync(join(folder, 'pods'), { recursive: true })
  writeFileSync(
    join(folder, 'resolv.conf'),
    `nameserver ${node.gateway}\noptions timeout:2 attempts:2\n`,
  )
  writeFileSync(join(folder, 'hosts'), hostsFile(nodes))
  writeFileSync(join(folder, 'hostname'), `${node.name}\n`)
  return hold(
    ['--mount', '--uts'],
    `hostname ${node.name}\n${mountScript(folder)}\n${sysctlScript}`,
  )
}

/** The router's network namespace. */
export function holdRouter(): Promise<Holder> {
  return hold([], sysctlScript)
}

/**
 * Shell commands that put a folder's files over those of the host. Where /etc/resolv.conf is a symbolic link (to
 * systemd-resolved's file under /run) its target is made first, because a mount follows the link.
 */
export function mountScript(folder: string): string {
  return `set -e
for file in resolv.conf hosts hostname; do
  target=$(readlink -m /etc/$file)
  [ -e "$target" ] || { mkdir -p "$(dirname "$target")" && : > "$target"; }
  mount --bind ${folder}/$file "$target"
done
mount --bind ${folder}/tmp /tmp
[ ! -f ${insideDirectory}/kept-folder ] || {
  kept=$(cat ${insideDirectory}/kept-folder)
  mkdir -p "$kept" && mount --bind /run/meshmark-kept "$kept"
}`
}

/** Routers and nodes forward, and do not drop what comes in by another way than it would go out. */
const sysctlScript = `cd /proc/sys/net/ipv4
echo 1 > ip_forward
for one in conf/all conf/default; do echo 0 > $one/rp_filter; echo 0 > $one/send_redirects; done
ip link set lo up`

/** Starts a holder and resolves when its script has run. */
async function hold(namespaces: readonly string[], script: string): Promise<Holder> {
  const propagation = namespaces.includes('--mount') ? ['--propagation', 'private'] : []
  const argv = [
    '--net',
    ...namespaces,
    ...propagation,
    'sh',
    '-c',
    `${script}\necho ready\nexec sleep infinity`,
  ]
  const child = spawn('unshare', argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: programPath },
  })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('ready')) resolve()
    })
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.on('error', reject)
    child.on('exit', (code) => {
      reject(
        new Error(
          `the namespaces of a node could not be made (exit code ${String(code)}): ${said.trim()}`,
        ),
      )
    })
  })
  if (child.pid === undefined) throw new Error('a holder has no process id')
  return { pid: child.pid, process: child }
}

function hostsFile(nodes: readonly PlacedNode[]): string {
  return [
    '127.0.0.1 localhost',
    '::1 localhost ip6-localhost',
    ...nodes.map(({ address, name }) => `${address} ${name}`),
    '',
  ].join('\n')
}
