import type { Check } from '../../../harness/api.ts'
import { changes } from './changes.ts'
import { clients } from './clients.ts'
import { coexistence } from './coexistence.ts'
import { dnsPolicies } from './dns-policies.ts'
import { failover } from './failover.ts'
import { installation } from './installation.ts'
import { kubeProxyBeside } from './kube-proxy-beside.ts'
import { near } from './near.ts'
import { outage } from './outage.ts'
import { outsideWorld } from './outside.ts'
import { resources } from './resources.ts'
import { restart } from './restart.ts'
import { telling } from './telling.ts'
import { traffic } from './traffic.ts'

/** Rows of edge.yaml, in their order. */
export const edge: readonly Check[] = [
  ...outage,
  ...traffic,
  ...restart,
  ...telling,
  ...changes,
  ...clients,
  ...dnsPolicies,
  ...outsideWorld,
  ...near,
  ...failover,
  ...installation,
  ...kubeProxyBeside,
  ...coexistence,
  ...resources,
]
