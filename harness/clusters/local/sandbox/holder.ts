import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { programPath } from '../network/command.ts'
import type { PlacedNode } from '../topology.ts'
import { insideDirectory, keptDirectory } from './config.ts'
import { ownFiles } from './mounts.ts'

export interface NodeInit {
  readonly nodes: readonly PlacedNode[]
  /** Real paths of the node's own files of /etc, in the order of `ownFiles`. */
  readonly places: readonly string[]
  /** Folder directly below /tmp that has to stay visible. */
  readonly kept: string | undefined
  /** Name servers of the nodes' own resolv.conf; the router, where nobody listens, when absent. */
  readonly upstreamDns: readonly string[] | undefined
}

/**
 * Makes a node's namespaces: network, host name, and mounts with a resolv.conf, hosts, hostname, /tmp and /run of its
 * own. Gives the id of a process that does nothing but keep them alive.
 */
export function holdNode(node: PlacedNode, init: NodeInit): Promise<number> {
  const folder = prepareFolder(node, init)
  const script = `hostname ${node.name}
mount -a --fstab ${join(folder, 'fstab')}
${sysctlScript}`
  return hold(['--mount', '--uts', '--propagation', 'private'], script)
}

/** The router's network namespace. */
export function holdRouter(): Promise<number> {
  return hold([], sysctlScript)
}

/** Writes a node's files and the table of what is mounted where. */
function prepareFolder(node: PlacedNode, init: NodeInit): string {
  const { nodes, places, kept, upstreamDns = [node.gateway] } = init
  const folder = join(insideDirectory, 'nodes', node.name)
  const run = join(folder, 'run')
  const made = [
    join(folder, 'pods'),
    join(folder, 'tmp'),
    join(run, 'lock'),
    join(folder, 'run', relative('/run', insideDirectory)),
    join(folder, 'run', relative('/run', keptDirectory)),
    ...(kept === undefined ? [] : [join(folder, 'tmp', relative('/tmp', kept))]),
  ]
  for (const path of made) mkdirSync(path, { recursive: true })
  for (const path of [join(folder, 'tmp'), join(run, 'lock')]) chmodSync(path, 0o1777)
  writeFileSync(
    join(folder, 'resolv.conf'),
    // why: the router answers at once that nobody listens; the limits are for targets that stop answering
    `${upstreamDns.map((address) => `nameserver ${address}\n`).join('')}options timeout:2 attempts:2\n`,
  )
  writeFileSync(join(folder, 'hosts'), hostsFile(nodes))
  writeFileSync(join(folder, 'hostname'), `${node.name}\n`)
  for (const place of places.filter((path) => path.startsWith('/run/'))) {
    const own = join(run, relative('/run', place))
    mkdirSync(dirname(own), { recursive: true })
    writeFileSync(own, '')
  }
  const binds: readonly (readonly [string, string])[] = [
    [insideDirectory, join(run, relative('/run', insideDirectory))],
    [keptDirectory, join(run, relative('/run', keptDirectory))],
    [run, '/run'],
    ...ownFiles.map((file, index) => [join(folder, file), places[index] ?? ''] as const),
    [join(folder, 'tmp'), '/tmp'],
    ...(kept === undefined ? [] : [[keptDirectory, kept] as const]),
  ]
  writeFileSync(join(folder, 'fstab'), binds.map(bindLine).join(''))
  return folder
}

function bindLine([source, target]: readonly [string, string]): string {
  return `${escape(source)} ${escape(target)} none rbind 0 0\n`
}

/** fstab(5): blanks as octal. */
function escape(path: string): string {
  return path.replace(
    /[\\\s#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
}

/**
 * Routers and nodes forward, do not drop what comes in by another way than it would go out, and tell everybody at
 * once that something cannot be reached: by default the kernel says so once a second, and a test that asks more often
 * would see a time-out instead of a refusal.
 */
const sysctlScript = `cd /proc/sys/net/ipv4
echo 1 > ip_forward
for one in conf/all conf/default; do echo 0 > $one/rp_filter; echo 0 > $one/send_redirects; done
echo 0 > icmp_ratelimit
for one in icmp_msgs_per_sec icmp_msgs_burst; do echo 100000 > $one || true; done 2> /dev/null`

/** Starts a holder and resolves with its process id when its script has run. */
async function hold(namespaces: readonly string[], script: string): Promise<number> {
  const whole = `set -e\n${script}\necho ready\nexec sleep infinity`
  const child = spawn('unshare', ['--net', ...namespaces, 'sh', '-c', whole], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: programPath },
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('ready')) resolve()
    })
    child.on('error', reject)
    child.on('close', (code) => {
      reject(
        new Error(
          `a node's namespaces could not be made (exit code ${String(code)}): ${said.trim()}`,
        ),
      )
    })
  })
  if (child.pid === undefined) throw new Error('a holder has no process id')
  return child.pid
}

function hostsFile(nodes: readonly PlacedNode[]): string {
  return [
    '127.0.0.1 localhost',
    '::1 localhost ip6-localhost',
    ...nodes.map(({ address, name }) => `${address} ${name}`),
    '',
  ].join('\n')
}
