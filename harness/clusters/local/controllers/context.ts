import { randomBytes } from 'node:crypto'
import { KubeError } from '../../../model/errors.ts'
import type { KubeClient, KubeObject, ResourceType } from '../../../model/kubernetes.ts'
import { type Informer, informer } from '../../kube/informer.ts'
import { events } from '../../kube/types.ts'
import { timestamp } from './objects.ts'
import { type Queue, queue } from './queue.ts'

/** What every controller works with. One informer per type, shared by all. */
export interface ControllerContext {
  readonly client: KubeClient
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  watch<T extends KubeObject>(type: ResourceType): Informer<T>
  queue(name: string, reconcile: (key: string) => Promise<void>): Queue
  record(
    about: KubeObject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    component: string,
  ): void
}

export interface ContextInit {
  readonly client: KubeClient
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

export function controllerContext(
  init: ContextInit,
): ControllerContext & { close(): Promise<void> } {
  const informers = new Map<string, Informer<KubeObject>>()
  const queues: Queue[] = []
  return {
    ...init,
    watch: <T extends KubeObject>(type: ResourceType) => {
      const key = `${type.group}/${type.plural}`
      let found = informers.get(key)
      if (found === undefined) {
        found = informer({ ...init, type })
        informers.set(key, found)
      }
      return found as unknown as Informer<T>
    },
    queue: (name, reconcile) => {
      const made = queue({
        name,
        log: init.log,
        // why: a controller that acts before it has seen everything creates what exists already
        reconcile: async (key) => {
          await Promise.all([...informers.values()].map(({ synced }) => synced))
          await reconcile(key)
        },
      })
      queues.push(made)
      return made
    },
    record: (about, type, reason, message, component) => {
      const { name, namespace = 'default', uid } = about.metadata
      const now = timestamp()
      const event = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `${name}.${randomBytes(8).toString('hex')}`, namespace },
        involvedObject: { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid },
        type,
        reason,
        message,
        source: { component },
        reportingComponent: component,
        reportingInstance: '',
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      }
      init.client.create(events, event, init).catch(() => undefined)
    },
    close: async () => {
      await Promise.all(queues.map((one) => one.close()))
    },
  }
}

/** Creates an object; false when it exists already. */
export async function createOnce(
  { client, signal }: Pick<ControllerContext, 'client' | 'signal'>,
  type: ResourceType,
  object: KubeObject,
): Promise<boolean> {
  try {
    await client.create(type, object, { signal })
    return true
  } catch (error) {
    if (error instanceof KubeError && error.reason === 'AlreadyExists') return false
    throw error
  }
}
