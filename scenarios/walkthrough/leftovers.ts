import type { Observation, ScenarioContext, Step, StepJudgement } from '../../harness/api.ts'

/**
 * Chains that EdgeMesh made up to 1.8, when it had iptables rules of its own. What newer releases use
 * (KUBE-PORTALS-*) is not a leftover: it is there while the agent runs.
 */
const edgemeshChain = /\bEDGE-?MESH[A-Z0-9-]*\b/

/** The programs that may list a node's rules; a node has at least one of them. */
const listings: readonly (readonly [string, ...string[]])[] = [
  ['iptables-save'],
  ['iptables-legacy-save'],
  ['nft', 'list', 'ruleset'],
]

/** "If you ever used EdgeMesh of old version, check your iptables rules. It might affect your test result." */
export const leftovers: Step = {
  id: 'no-leftover-rules',
  title: 'No node carries iptables rules of an older EdgeMesh',
  command: 'iptables-save | grep -i edge-\\?mesh',
  capabilities: ['node-access'],
  run: async (context): Promise<StepJudgement> => {
    const found: string[] = []
    let read = 0
    for (const node of context.cluster.nodes) {
      for (const text of await rulesOf(context, node.name)) {
        read += 1
        found.push(...leftoverRules(text).map((rule) => `${node.name}: ${rule}`))
      }
    }
    if (read === 0)
      return { kind: 'skipped', reason: 'no node has iptables-save or nft to list rules with' }
    return {
      kind: found.length === 0 ? 'passed' : 'failed',
      expected: 'no rule of a chain EDGE-MESH*',
      seen: found.length === 0 ? `none on ${context.cluster.nodes.length} nodes` : found.join('\n'),
    }
  },
}

/** The lines of a rule listing that belong to an older EdgeMesh, each once. */
export function leftoverRules(listing: string): readonly string[] {
  const lines = listing.split('\n').map((line) => line.trim())
  return [...new Set(lines.filter((line) => edgemeshChain.test(line)))]
}

async function rulesOf(context: ScenarioContext, node: string): Promise<readonly string[]> {
  const probe = await context.probe({ node, network: 'host' })
  const texts: string[] = []
  for (const argv of listings) {
    const observation: Observation = await probe.run(
      { kind: 'command', argv, timeoutMs: 10_000 },
      context,
    )
    if (observation.kind === 'exited' && observation.code === 0) texts.push(observation.stdout)
  }
  return texts
}
