import { setMaxListeners } from 'node:events'
import { kubeClient } from '../../kube/client.ts'
import { bootstrap, type BootstrapInit } from './bootstrap.ts'
import { controllerContext } from './context.ts'
import { daemonSetController } from './daemonset.ts'
import { deploymentController } from './deployment.ts'
import { endpointsController } from './endpoints.ts'
import { garbageCollector } from './garbage.ts'
import { namespaceController } from './namespace.ts'
import { nodeLifecycleController } from './node-lifecycle.ts'
import { replicaSetController } from './replicaset.ts'
import { scheduler } from './scheduler.ts'

export interface ControllersInit extends BootstrapInit {
  readonly server: string
  readonly socketPath?: string
  /** PEM of the cluster's authority. */
  readonly ca: string
  readonly token: string
  readonly log: (line: string) => void
}

/** Starts every controller as an ordinary client of the API. Disposing stops them. */
export async function startControllers(init: ControllersInit): Promise<AsyncDisposable> {
  const stop = new AbortController()
  // why: an informer and a queue of every type listen to it, and Node.js would take that for a leak
  setMaxListeners(0, stop.signal)
  const client = kubeClient({ ...init, userAgent: 'kube-controller-manager' })
  const context = controllerContext({ client, signal: stop.signal, log: init.log })
  await bootstrap(context, init)
  namespaceController(context, init.ca)
  scheduler(context)
  deploymentController(context)
  replicaSetController(context)
  daemonSetController(context)
  endpointsController(context)
  nodeLifecycleController(context)
  garbageCollector(context)
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await context.close()
      await client[Symbol.asyncDispose]()
    },
  }
}
