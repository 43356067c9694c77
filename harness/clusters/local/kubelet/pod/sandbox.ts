import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { programPath } from '../../network/command.ts'
import { type KubeletConfig, podFolder } from '../config.ts'
import { quote } from '../container/root-fs.ts'
import type { Cni } from './cni.ts'
import { hostnameOf, hostsFile } from './hosts.ts'
import type { Pod } from './pod.ts'
import { resolvConf } from './resolver.ts'

/** A pod's network, host name and IPC namespaces, its address and the process that holds them. */
export interface PodSandbox extends AsyncDisposable {
  readonly pid: number
  readonly address: string
  /** Resolves when the holder ends: somebody killed it. */
  readonly gone: Promise<void>
}

/**
 * Makes the namespaces of a pod. The holder has a mount namespace as well, with the pod's resolv.conf, hosts, hostname
 * and /tmp over the node's files: what the harness runs beside the containers (probes) sees names as they do.
 */
export async function startPodSandbox(
  pod: Pod,
  config: KubeletConfig,
  cni: Cni,
): Promise<PodSandbox> {
  const folder = podFolder(config, pod.metadata.uid)
  const hostNetwork = pod.spec.hostNetwork === true
  const hostname = hostnameOf(pod, config)
  await mkdir(join(folder, 'tmp'), { recursive: true, mode: 0o1777 })
  await Promise.all(
    ['hosts', 'hostname', 'resolv.conf'].map((file) => writeFile(join(folder, file), '')),
  )
  await writeFile(join(folder, 'hostname'), `${hostname}\n`)
  await writeFile(join(folder, 'resolv.conf'), resolvConf(pod, config))
  const child = startHolder(hostname, hostNetwork, folder, config)
  const { uid } = pod.metadata
  const pid = child.pid ?? 0
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
    await cni.detach(uid)
  }
  try {
    await saysReady(child)
    const address = hostNetwork ? config.nodeAddress : await cni.attach(uid, pid)
    await writeFile(join(folder, 'hosts'), hostsFile(pod, address, config))
    await note(pod, folder, pid, address)
    return { pid, address, gone, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Tells the sandbox which process to enter for this pod; written at once or not at all. */
async function note({ metadata }: Pod, folder: string, pid: number, ip: string): Promise<void> {
  const { namespace, name, uid } = metadata
  const path = join(folder, 'holder.json')
  await writeFile(`${path}.new`, JSON.stringify({ namespace, name, uid, pid, ip }))
  await rename(`${path}.new`, path)
}

function startHolder(
  hostname: string,
  hostNetwork: boolean,
  folder: string,
  { runDir }: KubeletConfig,
): ChildProcess {
  const namespaces = ['--mount', '--uts', '--ipc', ...(hostNetwork ? [] : ['--net'])]
  const script = `set -e
hostname ${quote(hostname)}
for file in resolv.conf hosts hostname; do
  target=$(readlink -m /etc/$file)
  [ -e "$target" ] || { mkdir -p "$(dirname "$target")" && : > "$target"; }
  mount --bind ${quote(folder)}/$file "$target"
done
mount --bind ${quote(folder)}/tmp /tmp
if [ -f ${quote(runDir)}/kept-folder ]; then
  kept=$(cat ${quote(runDir)}/kept-folder)
  mkdir -p "$kept" && mount --bind /run/meshmark-kept "$kept"
fi
echo ready
exec sleep infinity`
  return spawn('unshare', [...namespaces, '--propagation', 'private', 'sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: programPath },
  })
}

function saysReady(child: ChildProcess): Promise<void> {
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', () => {
      resolve()
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      const why = `exit code ${String(code)}: ${stderr.trim()}`
      reject(new Error(`the pod's namespaces could not be made (${why})`))
    })
  })
}
