import type { KubeObject } from '../../../model/kubernetes.ts'
import { endpoints, endpointSlices, nodes, pods, services } from '../../kube/types.ts'
import { type ControllerContext, createOnce } from './context.ts'
import { type EndpointGroup, endpointGroups } from './endpoint-groups.ts'
import {
  controllerOf,
  keyOf,
  keyParts,
  matches,
  type Node,
  ownedBy,
  type Pod,
  timestamp,
} from './objects.ts'

/** Endpoints of a slice, and of an Endpoints object (Kubernetes: --max-endpoints-per-slice, over-capacity). */
const sliceCapacity = 100
const endpointsCapacity = 1000

const serviceLabel = 'kubernetes.io/service-name'
const managerLabel = 'endpointslice.kubernetes.io/managed-by'
const sliceManager = 'endpointslice-controller.k8s.io'
const headlessLabel = 'service.kubernetes.io/headless'
const mirrorManager = 'endpointslicemirroring-controller.k8s.io'
const changeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'

export interface Service extends KubeObject {
  readonly spec: {
    readonly type?: string
    readonly clusterIP?: string
    readonly selector?: Readonly<Record<string, string>>
    readonly publishNotReadyAddresses?: boolean
    readonly ports?: readonly ServicePort[]
  }
}

export interface ServicePort {
  readonly name?: string
  readonly protocol?: string
  readonly port: number
  readonly targetPort?: number | string
  readonly appProtocol?: string
}

/** Keeps EndpointSlices and Endpoints of Services that select pods; mirrors Endpoints made by hand into slices. */
export function endpointsController(context: ControllerContext): void {
  const { client, signal } = context
  const allServices = context.watch<Service>(services)
  const allPods = context.watch<Pod>(pods)
  const allSlices = context.watch(endpointSlices)
  const allEndpoints = context.watch(endpoints)
  const allNodes = context.watch<Node>(nodes)
  const queue = context.queue('endpoints', reconcile)
  allServices.onChange(({ object }) => {
    queue.add(keyOf(object.metadata))
  })
  allPods.onChange((change) => {
    const before = 'old' in change ? change.old?.metadata.labels : undefined
    const { namespace, labels } = change.object.metadata
    for (const service of allServices.list()) {
      const { selector } = service.spec
      if (service.metadata.namespace !== namespace || selector === undefined) continue
      const selects = (one: Readonly<Record<string, string>> | undefined): boolean =>
        matches({ matchLabels: selector }, one ?? {})
      if (selects(labels) || (before !== undefined && selects(before)))
        queue.add(keyOf(service.metadata))
    }
  })
  allEndpoints.onChange(({ object }) => {
    // why: those that were there before their Service stay, as in Kubernetes
    if (allServices.get(keyParts(keyOf(object.metadata))) !== undefined)
      queue.add(keyOf(object.metadata))
  })
  allSlices.onChange(({ object, kind }) => {
    const name = object.metadata.labels?.[serviceLabel]
    // why: only somebody else's change of what we manage concerns us
    if (name !== undefined && kind === 'deleted')
      queue.add(`${object.metadata.namespace ?? ''}/${name}`)
  })

  async function reconcile(key: string): Promise<void> {
    const { namespace, name } = keyParts(key)
    const service = allServices.get({ namespace, name })
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) {
      await forget(namespace, name)
      return
    }
    if (service.spec.type === 'ExternalName' || service.spec.selector === undefined) {
      await mirror(service)
      return
    }
    const groups = endpointGroups(service, selectedPods(service), allNodes)
    await Promise.all([writeEndpoints(service, groups), writeSlices(service, groups, sliceManager)])
  }

  function selectedPods(service: Service): readonly Pod[] {
    const { selector = {} } = service.spec
    return allPods
      .list()
      .filter(
        (pod) =>
          pod.metadata.namespace === service.metadata.namespace &&
          matches({ matchLabels: selector }, pod.metadata.labels),
      )
  }

  function ownSlices(namespace: string, name: string, manager: string): readonly KubeObject[] {
    return allSlices
      .list()
      .filter(
        ({ metadata }) =>
          metadata.namespace === namespace &&
          metadata.labels?.[serviceLabel] === name &&
          metadata.labels[managerLabel] === manager,
      )
  }

  async function forget(namespace: string, name: string): Promise<void> {
    const slices = [sliceManager, mirrorManager].flatMap((manager) =>
      ownSlices(namespace, name, manager),
    )
    const own = allEndpoints.get({ namespace, name })
    await Promise.all([
      ...slices.map((slice) =>
        client.delete(endpointSlices, keyParts(keyOf(slice.metadata)), { signal }),
      ),
      ...(own === undefined ? [] : [client.delete(endpoints, { namespace, name }, { signal })]),
    ])
  }

  async function writeEndpoints(service: Service, groups: readonly EndpointGroup[]): Promise<void> {
    const { name, namespace = 'default' } = service.metadata
    const all = groups
      .flatMap((group) => group.endpoints.map((endpoint) => ({ group, endpoint })))
      .filter(({ endpoint }) => !endpoint.conditions.terminating)
    const kept = all.slice(0, endpointsCapacity)
    const subsets = groups.flatMap((group) => {
      const own = kept.filter((one) => one.group === group).map((one) => one.endpoint)
      if (own.length === 0) return []
      const address = (one: EndpointGroup['endpoints'][number]): object => ({
        ip: one.addresses[0],
        ...(one.hostname !== undefined && { hostname: one.hostname }),
        ...(one.nodeName !== undefined && { nodeName: one.nodeName }),
        ...(one.targetRef !== undefined && { targetRef: one.targetRef }),
      })
      const ready = own.filter(({ conditions }) => conditions.ready).map(address)
      const notReady = own.filter(({ conditions }) => !conditions.ready).map(address)
      return [
        {
          ...(ready.length > 0 && { addresses: ready }),
          ...(notReady.length > 0 && { notReadyAddresses: notReady }),
          ...(group.ports.length > 0 && {
            ports: group.ports.map(({ name: portName, ...port }) => ({
              ...(portName !== '' && { name: portName }),
              ...port,
            })),
          }),
        },
      ]
    })
    const old = allEndpoints.get({ namespace, name })
    const isOver = all.length > endpointsCapacity
    const { [headlessLabel]: _, ...ownLabels } = service.metadata.labels ?? {}
    const labels = {
      ...ownLabels,
      [managerLabel]: 'endpoint-controller',
      ...(service.spec.clusterIP === 'None' && { [headlessLabel]: '' }),
    }
    if (
      old !== undefined &&
      equal(old['subsets'] ?? [], subsets) &&
      equal(old.metadata.labels, labels) &&
      (old.metadata.annotations?.['endpoints.kubernetes.io/over-capacity'] !== undefined) === isOver
    )
      return
    const object = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: {
        name,
        namespace,
        labels,
        annotations: {
          [changeAnnotation]: timestamp(),
          ...(isOver && { 'endpoints.kubernetes.io/over-capacity': 'truncated' }),
        },
        ...(old?.metadata.resourceVersion !== undefined && {
          resourceVersion: old.metadata.resourceVersion,
        }),
      },
      subsets,
    }
    if (old === undefined) await createOnce(context, endpoints, object)
    else await client.replace(endpoints, object, { signal })
  }

  async function writeSlices(
    service: Service,
    groups: readonly EndpointGroup[],
    manager: string,
  ): Promise<void> {
    const { name, namespace = 'default' } = service.metadata
    const unused = [...ownSlices(namespace, name, manager)]
    const work: Promise<unknown>[] = []
    const wanted = groups.length === 0 ? [{ ports: [], endpoints: [] }] : groups
    for (const { ports, endpoints: members } of wanted) {
      for (let at = 0; at === 0 || at < members.length; at += sliceCapacity) {
        const part = members.slice(at, at + sliceCapacity)
        const index = nearest(unused, ports, part)
        const reused = index === -1 ? undefined : unused.splice(index, 1)[0]
        work.push(writeSlice(service, { ports, endpoints: part }, reused, manager))
      }
    }
    for (const slice of unused)
      work.push(client.delete(endpointSlices, keyParts(keyOf(slice.metadata)), { signal }))
    await Promise.all(work)
  }

  async function writeSlice(
    service: Service,
    content: EndpointGroup,
    old: KubeObject | undefined,
    manager: string,
  ): Promise<void> {
    const { name, namespace = 'default', labels = {} } = service.metadata
    if (
      old !== undefined &&
      equal(old['endpoints'] ?? [], content.endpoints) &&
      equal(old['ports'] ?? [], content.ports)
    )
      return
    const isHeadless = service.spec.clusterIP === 'None'
    const object = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: old?.metadata.name ?? '',
        ...(old === undefined && { generateName: `${name}-` }),
        ...(old?.metadata.resourceVersion !== undefined && {
          resourceVersion: old.metadata.resourceVersion,
        }),
        namespace,
        labels: {
          ...labels,
          [serviceLabel]: name,
          [managerLabel]: manager,
          ...(isHeadless && { [headlessLabel]: '' }),
        },
        annotations: { [changeAnnotation]: timestamp() },
        ownerReferences: [ownedBy(service)],
      },
      addressType: 'IPv4',
      endpoints: content.endpoints,
      ports: content.ports,
    }
    if (old === undefined) await client.create(endpointSlices, object, { signal })
    else await client.replace(endpointSlices, object, { signal })
  }

  /** Endpoints of a Service without a selector are made by people: their slices are copies. */
  async function mirror(service: Service): Promise<void> {
    const { name, namespace = 'default' } = service.metadata
    for (const slice of ownSlices(namespace, name, sliceManager))
      await client.delete(endpointSlices, keyParts(keyOf(slice.metadata)), { signal })
    const own = allEndpoints.get({ namespace, name })
    const isOurs = own?.metadata.labels?.[managerLabel] === 'endpoint-controller'
    if (isOurs) await client.delete(endpoints, { namespace, name }, { signal })
    const skipped = own?.metadata.labels?.['endpointslice.kubernetes.io/skip-mirror'] === 'true'
    const isLeased = own !== undefined && controllerOf(own) !== undefined
    if (own === undefined || isOurs || skipped || isLeased) {
      for (const slice of ownSlices(namespace, name, mirrorManager))
        await client.delete(endpointSlices, keyParts(keyOf(slice.metadata)), { signal })
      return
    }
    await writeSlices(service, mirrored(own), mirrorManager)
  }
}

interface Subset {
  readonly addresses?: readonly Address[]
  readonly notReadyAddresses?: readonly Address[]
  readonly ports?: readonly {
    readonly name?: string
    readonly port: number
    readonly protocol?: string
    readonly appProtocol?: string
  }[]
}

interface Address {
  readonly ip: string
  readonly hostname?: string
  readonly nodeName?: string
  readonly targetRef?: object
}

function mirrored(object: KubeObject): readonly EndpointGroup[] {
  const subsets = (object['subsets'] ?? []) as readonly Subset[]
  const member =
    (ready: boolean) =>
    ({ ip, hostname, nodeName, targetRef }: Address) => ({
      addresses: [ip],
      conditions: { ready, serving: ready, terminating: false },
      ...(hostname !== undefined && { hostname }),
      ...(nodeName !== undefined && { nodeName }),
      ...(targetRef !== undefined && { targetRef }),
    })
  return subsets.map(({ addresses = [], notReadyAddresses = [], ports = [] }) => ({
    ports: ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol !== undefined && { appProtocol }),
    })),
    endpoints: [...addresses.map(member(true)), ...notReadyAddresses.map(member(false))],
  }))
}

/** Reuses the slice that shares most with what is to be written, so that few endpoints move between slices. */
function nearest(
  slices: readonly KubeObject[],
  ports: EndpointGroup['ports'],
  part: EndpointGroup['endpoints'],
): number {
  const wanted = new Set(part.map(({ addresses }) => addresses[0]))
  let best = -1
  let most = -1
  slices.forEach((slice, index) => {
    if (!equal(slice['ports'] ?? [], ports) && slices.length > 1) return
    const members = (slice['endpoints'] ?? []) as readonly {
      readonly addresses: readonly string[]
    }[]
    const shared = members.filter(({ addresses }) => wanted.has(addresses[0] ?? '')).length
    if (shared > most) {
      most = shared
      best = index
    }
  })
  return best
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(normal(a)) === JSON.stringify(normal(b))
}

function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, normal(one)]),
  )
}
