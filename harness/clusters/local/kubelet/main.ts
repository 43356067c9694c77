import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { kubeClient } from '../../kube/client.ts'
import { informer } from '../../kube/informer.ts'
import { pods } from '../../kube/types.ts'
import { cni } from './cni.ts'
import { type KubeletConfig, readConfig } from './config.ts'
import { recorder } from './events.ts'
import { images } from './images.ts'
import { heartbeat, registerNode } from './node.ts'
import type { Pod } from './pod.ts'
import { type PodWorker, podWorker } from './pod-worker.ts'
import { serveKubelet } from './server.ts'

/*
 * The kubelet of one node of provider local: an ordinary client of the Kubernetes API that runs pods as processes in
 * namespaces. No cgroups: requests and limits are recorded and not enforced.
 */

/** How often the certificate of the API server is looked for while it starts beside us. */
const pollMs = 10

async function certificate({ caFile }: KubeletConfig): Promise<string> {
  for (;;) {
    try {
      const text = readFileSync(caFile, 'utf8')
      if (text.includes('END CERTIFICATE')) return text
    } catch {
      // why: not written yet
    }
    await delay(pollMs)
  }
}

/** Packets of pods are as large as those of the node. */
function nodeMtu(): number {
  try {
    return Number(readFileSync('/sys/class/net/eth0/mtu', 'utf8'))
  } catch {
    return 1500
  }
}

async function main(path: string): Promise<void> {
  const config = readConfig(path)
  const stop = new AbortController()
  const { signal } = stop
  const kube = kubeClient({
    server: config.server,
    ca: await certificate(config),
    token: config.token,
  })
  const workers = new Map<string, PodWorker>()
  await serveKubelet(config, workers)
  await registerNode(kube, config, { signal })
  const components = {
    kube,
    config,
    signal,
    cni: cni(config.podCidr, nodeMtu()),
    images: images(config.packageDir),
    record: recorder(kube, config, { signal }),
  }
  const mine = informer<Pod>({
    client: kube,
    type: pods,
    fieldSelector: `spec.nodeName=${config.nodeName}`,
    signal,
    log: (line) => process.stderr.write(`${line}\n`),
  })
  mine.onChange(({ kind, object }) => {
    const { uid } = object.metadata
    const known = workers.get(uid)
    if (kind === 'deleted') known?.kill()
    else if (known !== undefined) known.update(object)
    else if (!isOver(object)) {
      const worker = podWorker(object, components)
      workers.set(uid, worker)
      worker.update(object)
      worker.finished
        .catch((error: unknown) =>
          process.stderr.write(`pod ${object.metadata.name}: ${String(error)}\n`),
        )
        .finally(() => workers.delete(uid))
    }
  })
  process.stdout.write('{"ready":true}\n')
  await heartbeat(kube, config, { signal })
}

/** Pods that a former kubelet has brought to their end. */
function isOver({ status, metadata }: Pod): boolean {
  return (
    (status?.phase === 'Succeeded' || status?.phase === 'Failed') &&
    metadata.deletionTimestamp === undefined
  )
}

process.on('SIGTERM', () => {
  process.exit(0)
})
await main(process.argv[2] ?? '')
