import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { programPath } from '../network/command.ts'
import type { Cni } from './cni.ts'
import { type KubeletConfig, podFolder } from './config.ts'
import { hostnameOf, hostsFile } from './hosts.ts'
import type { Pod } from './pod.ts'
import { resolvConf } from './resolver.ts'

/** A pod's namespaces: its address and the process that holds them. */
export interface PodSandbox extends AsyncDisposable {
  readonly pid: number
  readonly address: string
  /** Resolves when the holder ends: somebody killed it. */
  readonly gone: Promise<void>
}

/** A file or folder that is mounted into the pod. */
export interface Mount {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

/** Makes the namespaces of a pod with its address, host name and resolver; `mountAll` then fills in the mounts. */
export async function startPodSandbox(
  pod: Pod,
  config: KubeletConfig,
  cni: Cni,
): Promise<PodSandbox> {
  const folder = podFolder(config, pod.metadata.uid)
  await mkdir(join(folder, 'run'), { recursive: true })
  await mkdir(join(folder, 'tmp'), { recursive: true })
  const hostNetwork = pod.spec.hostNetwork === true
  const child = await startHolder(hostnameOf(pod, config), hostNetwork)
  const pid = child.pid ?? 0
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
    await cni.detach(pod.metadata.uid)
  }
  try {
    const address = hostNetwork ? config.nodeAddress : await cni.attach(pod.metadata.uid, pid)
    await writeFile(join(folder, 'resolv.conf'), resolvConf(pod, config))
    await writeFile(join(folder, 'hosts'), hostsFile(pod, address, config))
    await writeFile(join(folder, 'hostname'), `${hostnameOf(pod, config)}\n`)
    const { name, namespace, uid } = pod.metadata
    const note = join(folder, 'holder.json')
    await writeFile(`${note}.new`, JSON.stringify({ namespace, name, uid, pid, ip: address }))
    await rename(`${note}.new`, note)
    return { pid, address, gone, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startHolder(hostname: string, hostNetwork: boolean): Promise<ChildProcess> {
  const namespaces = ['--mount', '--uts', '--ipc', ...(hostNetwork ? [] : ['--net'])]
  const argv = [
    ...namespaces,
    '--propagation',
    'private',
    'sh',
    '-c',
    `hostname ${hostname}; echo ready; exec sleep infinity`,
  ]
  const child = spawn('unshare', argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: programPath },
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', () => {
      resolve()
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      reject(
        new Error(
          `the pod's namespaces could not be made (exit code ${String(code)}): ${stderr.trim()}`,
        ),
      )
    })
  })
  return child
}

/**
 * Gives the pod its own resolv.conf, hosts, hostname, /tmp, /run and /var/log, its images' files and its volumes, and
 * makes the rest of the machine's files read-only. Runs once, before the first container.
 */
export async function mountAll(
  { pid }: PodSandbox,
  folder: string,
  prepare: readonly string[],
  mounts: readonly Mount[],
): Promise<void> {
  const script = `set -e
POD=${quote(folder)}
place() { # source target [ro]: what is under /run goes into the new /run, which is not mounted yet
  target=$(readlink -m "$2")
  case $target in
    /run/*) target=$POD/run/\${target#/run/} ;;
    /tmp/*) target=$POD/tmp/\${target#/tmp/} ;;
  esac
  if [ -d "$1" ]; then
    [ -d "$target" ] || mkdir -p "$target"
  elif [ ! -e "$target" ]; then
    mkdir -p "$(dirname "$target")" && : > "$target"
  fi
  mount --bind "$1" "$target"
  [ "$3" != ro ] || mount -o remount,bind,ro "$target" 2>/dev/null || true
}
chmod 1777 $POD/tmp
mkdir -p $POD/run/lock
[ ! -d /var/log ] || mount -t tmpfs -o mode=755 tmpfs /var/log
for file in resolv.conf hosts hostname; do place $POD/$file /etc/$file; done
${prepare.join('\n')}
${mounts.map(({ source, target, readOnly }) => `place ${quote(source)} ${quote(target)} ${readOnly ? 'ro' : 'rw'}`).join('\n')}
[ ! -f /run/meshmark/kept-folder ] || place /run/meshmark-kept "$(cat /run/meshmark/kept-folder)"
mount --rbind $POD/tmp /tmp
mount --rbind $POD/run /run
mount -o remount,bind,ro / 2>/dev/null || true
`
  await runIn(pid, script)
}

function runIn(pid: number, script: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('nsenter', ['-t', String(pid), '-m', 'sh', '-s'], {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...process.env, PATH: programPath },
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`failed to mount: ${stderr.trim()}`))
    })
    child.stdin.end(script)
  })
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
