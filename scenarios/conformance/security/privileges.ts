import type { Check, CheckContext, KubeObject } from '../../../harness/api.ts'
import { pidsAt } from '../support/agent.ts'
import { effectiveCapabilities, usualCapabilities } from '../support/capabilities.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { excessOf, grantsOf } from '../support/rights.ts'
import { onNode } from '../support/shell.ts'
import { backends } from './backends.fixture.ts'
import { isServed } from './served.ts'

/** The node whose agent is looked at, an index. */
const looked = 0

const noPods = 'the target has no pods whose specification could be read'

/** What the agents may do on the node, and in the cluster. */
export const privileges: readonly Check[] = [
  {
    requirement: 'SEC-PRV-001',
    sends:
      "a look at the specification of the agents' pods and at the capabilities of their processes on a node where a Service is served",
    expects:
      'no container is privileged, none shares processes or IPC of the node, and no process has a capability beyond NET_ADMIN and what every container gets',
    capabilities: ['kubernetes', 'node-access'],
    fixtures: [backends],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, looked))) return judgement.assessment('')
      const pods = await agentPods(context)
      if (pods.length === 0) return skipped(noPods)
      const specs = pods.map(({ spec }) => spec as PodSpec)
      judgement
        .set('privileged containers', [], specs.flatMap(privileged))
        .set('namespaces of the node beside its network', [], specs.flatMap(shared))
      const held = await heldOn(context)
      judgement.set('capabilities beyond NET_ADMIN', [], held.filter(isBeyond))
      return judgement.assessment(
        held.length === 0
          ? 'the specification alone: the target does not tell which processes are its agents'
          : `served with ${held.join(', ')}`,
      )
    },
  },
  {
    requirement: 'SEC-PRV-002',
    sends:
      "a look at the roles that the agents' service accounts are bound to, in a cluster that enforces them, where a Service is served",
    expects:
      'they only get, list and watch; no wildcard, no Secret that is not named, nothing that acts when it is read',
    capabilities: ['kubernetes'],
    fixtures: [backends],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, looked))) return judgement.assessment('')
      const pods = await agentPods(context)
      if (pods.length === 0) return skipped(noPods)
      const namespace = context.target.pods?.namespace ?? ''
      const names = pods.map(({ spec }) => (spec as PodSpec).serviceAccountName ?? 'default')
      const told: string[] = []
      for (const name of new Set(names)) {
        const grants = await grantsOf(context, { namespace, name })
        judgement.set(`${name}: beyond reading`, [], new Set(grants.flatMap(excessOf)))
        told.push(`${name}: ${grants.map(({ role }) => role).join(', ') || 'no role'}`)
      }
      return judgement.assessment(told.join('; '))
    },
  },
]

interface PodSpec {
  readonly serviceAccountName?: string
  readonly hostPID?: boolean
  readonly hostIPC?: boolean
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
}

interface Container {
  readonly name: string
  readonly securityContext?: { readonly privileged?: boolean }
}

async function agentPods({
  cluster,
  target,
  signal,
}: CheckContext): Promise<readonly KubeObject[]> {
  if (target.pods === undefined) return []
  const type = await cluster.kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, { signal })
  return (await cluster.kube.list(type, { ...target.pods, signal })).items
}

function privileged({ containers, initContainers = [] }: PodSpec): readonly string[] {
  return [...initContainers, ...containers]
    .filter(({ securityContext }) => securityContext?.privileged === true)
    .map(({ name }) => name)
}

function shared({ hostPID = false, hostIPC = false }: PodSpec): readonly string[] {
  return [...(hostPID ? ['hostPID'] : []), ...(hostIPC ? ['hostIPC'] : [])]
}

/** Capabilities of the target's processes on the node that is looked at, each once. */
async function heldOn(context: CheckContext): Promise<readonly string[]> {
  const pids = await pidsAt(context, context.nodes[looked]?.name ?? '')
  const held = new Set<string>()
  for (const pid of pids)
    for (const name of effectiveCapabilities(
      await onNode(context, looked, `grep CapEff /proc/${pid}/status`),
    ))
      held.add(name)
  return [...held]
}

function isBeyond(capability: string): boolean {
  return capability !== 'NET_ADMIN' && !usualCapabilities.has(capability)
}
