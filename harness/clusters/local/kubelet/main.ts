import { mkdirSync, readFileSync } from 'node:fs'
import { kubeClient } from '../../kube/client.ts'
import { command } from '../network/command.ts'
import { type KubeletConfig, readConfig, scratchFolder } from './config.ts'
import { images } from './container/images.ts'
import { heartbeat } from './node/heartbeat.ts'
import { removeOrphans } from './node/orphans.ts'
import { registerNode } from './node/register.ts'
import { cni } from './pod/cni.ts'
import { recorder } from './pod/events.ts'
import { hostPaths } from './pod/host-path.ts'
import { podSource } from './pod/pod-source.ts'
import type { PodWorker } from './pod/worker.ts'
import { serveKubelet } from './server/server.ts'
import { pause } from './time.ts'

/*
 * The kubelet of one node of provider local: an ordinary client of the Kubernetes API that runs pods as processes in
 * namespaces, inside the network, mount and host name namespaces of its node. It is root there, or root of a user
 * namespace. There are no cgroups: requests and limits are recorded and not enforced; and no users: runAsUser and
 * capabilities are ignored. On SIGTERM it leaves at once and its pods run on; the next kubelet of the node ends them
 * and starts them afresh.
 */

/** How often the certificate of the API server is looked for while it starts beside us. */
const pollMs = 10

async function certificate({ caFile }: KubeletConfig, signal: AbortSignal): Promise<string> {
  for (;;) {
    try {
      const text = readFileSync(caFile, 'utf8')
      if (text.includes('END CERTIFICATE')) return text
    } catch {
      // why: not written yet
    }
    await pause(pollMs, signal)
  }
}

async function mountScratch(config: KubeletConfig): Promise<void> {
  const folder = scratchFolder(config)
  mkdirSync(folder, { recursive: true })
  await command(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', folder])
}

async function main(path: string): Promise<void> {
  const config = readConfig(path)
  const { signal } = new AbortController()
  const workers = new Map<string, PodWorker>()
  const prepared = Promise.all([removeOrphans(config), mountScratch(config)])
  const served = serveKubelet(config, workers)
  const { server, token } = config
  const kube = kubeClient({
    server,
    ca: await certificate(config, signal),
    token,
    userAgent: 'kubelet',
  })
  await Promise.all([registerNode(kube, config, { signal }), served, prepared])
  process.stdout.write('{"ready":true}\n')
  const record = recorder(kube, config, { signal })
  const source = podSource(
    {
      kube,
      config,
      signal,
      record,
      cni: cni(config),
      images: images(config.packageDir, config.images),
      hostPaths: hostPaths(config),
    },
    workers,
  )
  record(
    { kind: 'Node', name: config.nodeName },
    'Normal',
    'Starting',
    `Starting kubelet of ${config.nodeName}.`,
  )
  const onBack = (): void => {
    source.refresh()
  }
  await heartbeat(kube, config, onBack, { signal })
}

process.on('SIGTERM', () => {
  process.exit(0)
})
await main(process.argv[2] ?? '')
