import type { CheckContext } from '../../../harness/api.ts'
import { onNode } from '../support/shell.ts'

/**
 * Rules of a node's kernel as text: what `nft` and `iptables-save` list, as far as they are there. Wants `node-access`.
 * @param index - of the node
 * @throws Error when the node cannot be asked
 */
export async function ruleset(context: CheckContext, index: number): Promise<string> {
  const list = 'nft list ruleset 2>/dev/null; iptables-save 2>/dev/null; true'
  const text = await onNode(context, index, list)
  context.evidence('ruleset', `node-${index}`, text)
  return text
}

/**
 * Time-outs, in seconds, that a ruleset carries for a Service (`namespace/name`, as implementations write it into
 * names and comments): `--seconds N` of iptables' recent match, `timeout 3h` of nftables' sets.
 */
export function timeoutsOf(rules: string, service: string): readonly string[] {
  const mentions = (text: string): boolean =>
    text.split(service).some((_, index, parts) => index > 0 && /^[:/"\s]/.test(parts[index] ?? ''))
  const recent = rules
    .split('\n')
    .filter(mentions)
    .flatMap((line) => /--seconds (\d+)/.exec(line)?.[1] ?? [])
  const sets = [...rules.matchAll(/^\s*set (\S+) \{([^{}]*)/gm)]
    .filter(([, name = '']) => mentions(name))
    .flatMap(([, , body = '']) => /^\s*timeout (\S+)/m.exec(body)?.[1] ?? [])
    .map((timeout) => String(secondsOf(timeout)))
  return [...recent, ...sets]
}

/** `1d2h3m4s` in seconds. */
function secondsOf(timeout: string): number {
  const units: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1, ms: 0.001 }
  return [...timeout.matchAll(/(\d+)(ms|[dhms])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0),
    0,
  )
}
