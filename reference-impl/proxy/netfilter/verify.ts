/** Whether the kernel still holds what we wrote: rules per chain and elements per set, counted in nft's listing. */
import { baseChains } from './base.ts'
import type { Site } from './site.ts'
import type { Table } from './table.ts'

/** Why `listing` is not `table`; undefined when it is. */
export function difference(listing: string, table: Table, site: Site): string | undefined {
  const found = ruleCounts(listing)
  const wanted = ruleCounts(baseChains(site))
  for (const [name, rules] of table.chains) wanted.set(name, rules.length)
  for (const [name, count] of wanted) {
    const has = found.get(name)
    if (has !== count) return `chain ${name} has ${has ?? 'no'} rules, ${count} were written`
  }
  for (const [name, { size: count }] of table.elements) {
    const has = elementCount(listing, name)
    if (has !== count) return `${name} has ${has} elements, ${count} were written`
  }
  return undefined
}

function ruleCounts(text: string): Map<string, number> {
  const counts = new Map<string, number>()
  let chain: string | undefined
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    const opened = /^chain (\S+) \{/.exec(line)?.[1]
    if (opened !== undefined) {
      chain = opened
      counts.set(chain, 0)
    } else if (line === '}') {
      chain = undefined
    } else if (chain !== undefined && line !== '' && !line.startsWith('type ')) {
      counts.set(chain, (counts.get(chain) ?? 0) + 1)
    }
  }
  return counts
}

function elementCount(listing: string, name: string): number {
  const header = new RegExp(`^\\s*(?:map|set) ${name} \\{$`, 'm').exec(listing)
  if (header === null) return 0
  const block = listing.slice(header.index, listing.indexOf('\n\t}', header.index))
  const elements = /elements = \{([^}]*)\}/.exec(block)?.[1]
  return elements === undefined ? 0 : elements.split(',').length
}
