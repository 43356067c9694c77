/** nft, with its own words and the offending line when it refuses. */
import { tableName } from './base.ts'
import { NetfilterError, run } from './command.ts'
import type { Remembered } from './script.ts'

/**
 * Applies statements as one transaction. Where the kernel does not take that much at once (in a user namespace a
 * netlink message is bounded by net.core.wmem_max) they are halved until they fit: all of it is applied still, but no
 * longer in one moment.
 * @throws NetfilterError
 */
export async function applyScript(statements: readonly string[]): Promise<void> {
  if (statements.length === 0) return
  const script = `${statements.join('\n')}\n`
  const { code, stderr } = await run('nft', ['-f', '-'], script)
  if (code === 0) return
  if (!stderr.includes('Message too long') || statements.length === 1) {
    throw new NetfilterError(refusal(script, stderr), hintFor(stderr))
  }
  const middle = statements.length >> 1
  await applyScript(statements.slice(0, middle))
  await applyScript(statements.slice(middle))
}

/** The table as text without counter values; undefined when it does not exist. */
export async function listTable(): Promise<string | undefined> {
  const { code, stdout } = await run('nft', ['-s', 'list', 'table', 'ip', tableName])
  return code === 0 ? stdout : undefined
}

/** Connections counted per Service port (`namespace/name/protocol/port`) since its counter was made. */
export async function readCounters(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  const { code, stdout } = await run('nft', ['-j', 'list', 'counters', 'table', 'ip', tableName])
  if (code !== 0) return counts
  for (const { counter } of objects(stdout)) {
    if (!isRecord(counter)) continue
    const { name, packets } = counter
    if (typeof name === 'string' && typeof packets === 'number') {
      counts.set(name.replace(/^svc\//, ''), packets)
    }
  }
  return counts
}

/** Clients that the affinity sets of the present table remember. */
export async function readRemembered(): Promise<readonly Remembered[]> {
  const { code, stdout } = await run('nft', ['-j', 'list', 'table', 'ip', tableName])
  if (code !== 0) return []
  const remembered: Remembered[] = []
  for (const { set } of objects(stdout)) {
    if (!isRecord(set) || typeof set['name'] !== 'string' || !set['name'].startsWith('aff/'))
      continue
    const { name, elem } = set
    if (!Array.isArray(elem)) continue
    for (const item of elem as readonly unknown[]) {
      if (!isRecord(item) || !isRecord(item['elem'])) continue
      const { val, expires } = item['elem']
      if (typeof val === 'string' && typeof expires === 'number' && expires > 0) {
        remembered.push({ set: name, address: val, expiresSeconds: expires })
      }
    }
  }
  return remembered
}

function objects(json: string): readonly Readonly<Record<string, unknown>>[] {
  const parsed: unknown = JSON.parse(json)
  if (!isRecord(parsed) || !Array.isArray(parsed['nftables'])) return []
  return (parsed['nftables'] as readonly unknown[]).filter(isRecord)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** nft says `/dev/stdin:12:5-9: Error: ...`; the twelfth line is what a person needs to see. */
function refusal(script: string, stderr: string): string {
  const where = /^[^\s:]+:(\d+):[\d-]+: Error: (.*)$/m.exec(stderr)
  if (where === null) return `nft refused the rules: ${stderr.trim()}`
  const [, number = '0', problem = ''] = where
  const line = script.split('\n')[Number(number) - 1] ?? ''
  const shown = line.length > 300 ? `${line.slice(0, 300)}...` : line
  return `nft refused the rules: ${problem} in line ${number}: ${shown.trim()}`
}

function hintFor(stderr: string): string {
  if (stderr.includes('Operation not permitted')) {
    return 'The data plane needs CAP_NET_ADMIN in the network namespace of the node: run it as root or with hostNetwork and that capability'
  }
  if (stderr.includes('not supported') || stderr.includes('Protocol not supported')) {
    return 'The kernel lacks nftables NAT (CONFIG_NF_TABLES, CONFIG_NFT_NAT): modprobe nf_tables nft_nat, or use another kernel'
  }
  return 'Compare with `nft list table ip meshmark`; nft 1.0 and Linux 5.10 or later are needed'
}
