import type { ResourceDefinition } from '../resource-definition.ts'
import { endpoints, endpointSlice } from './endpoints.ts'
import { event } from './event.ts'
import { namespace } from './namespace.ts'
import { node } from './node.ts'
import { pod } from './pod.ts'
import { service } from './service.ts'
import { stored } from './stored.ts'
import { daemonSet, deployment, replicaSet } from './workloads.ts'

export { fields } from './fields.ts'

/** Every kind that provider local serves without a CustomResourceDefinition. */
export const definitions: readonly ResourceDefinition[] = [
  pod,
  service,
  endpoints,
  node,
  namespace,
  event,
  endpointSlice,
  deployment,
  replicaSet,
  daemonSet,
  ...stored,
]
