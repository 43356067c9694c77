/** nft scripts: the whole table, or only what changed. Each is one atomic transaction. */
import { baseChains, tableComment, tableName } from './base.ts'
import { affinitySetSize } from './compile.ts'
import type { Site } from './site.ts'
import { type Container, containerNames, containers, type Elements, type Table } from './table.ts'

const table = `ip ${tableName}`

/** A client that an affinity set remembered before the table was replaced. */
export interface Remembered {
  readonly set: string
  readonly address: string
  readonly expiresSeconds: number
}

/**
 * Replaces the table, whether or not it exists, without a moment between old and new rules.
 * Connections live in conntrack, not in rules, and go on.
 */
export function replaceScript(next: Table, site: Site, remembered: readonly Remembered[]): string {
  const lines: string[] = [`table ${table} {`, `  comment "${tableComment}"`]
  for (const name of containerNames) {
    const { kind, type } = containers[name]
    lines.push(`  ${kind} ${name} { type ${type}; }`)
  }
  lines.push(baseChains(site), '}')
  lines.push(...addParts(next, undefined))
  for (const { set, address, expiresSeconds } of remembered) {
    if (!next.affinitySets.has(set)) continue
    lines.push(`add element ${table} ${set} { ${address} expires ${expiresSeconds}s }`)
  }
  return `add table ${table}\ndelete table ${table}\n${lines.join('\n')}\n`
}

/** Removes every trace of us. */
export function removeScript(): string {
  return `add table ${table}\ndelete table ${table}\n`
}

/** Only the difference; empty when there is none. */
export function changeScript(previous: Table, next: Table): string {
  const lines = [...addParts(next, previous), ...deleteParts(previous, next)]
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

/** Replaces what the interfaces decide, without touching Services. */
export function outsideScript(outsideInterfaces: readonly string[]): string {
  const names = outsideInterfaces.map((name) => `"${name}"`).join(', ')
  const add = names === '' ? '' : `add element ${table} outside { ${names} }\n`
  return `flush set ${table} outside\n${add}`
}

function addParts(next: Table, previous: Table | undefined): readonly string[] {
  const lines: string[] = []
  for (const name of next.counters) {
    if (previous?.counters.has(name) !== true) lines.push(`add counter ${table} ${name}`)
  }
  for (const [name, seconds] of next.affinitySets) {
    if (previous?.affinitySets.has(name) === true) continue
    lines.push(
      `add set ${table} ${name} { type ipv4_addr; flags dynamic,timeout; timeout ${seconds}s; size ${affinitySetSize}; }`,
    )
  }
  const changed = [...next.chains].filter(([name, rules]) => !sameRules(previous, name, rules))
  for (const [name] of changed) {
    lines.push(`${previous?.chains.has(name) === true ? 'flush' : 'add'} chain ${table} ${name}`)
  }
  for (const [name, rules] of changed) {
    for (const rule of rules) lines.push(`add rule ${table} ${name} ${rule}`)
  }
  for (const name of containerNames) {
    lines.push(...elementLines(name, next.elements[name], previous?.elements[name] ?? new Map()))
  }
  return lines
}

function sameRules(previous: Table | undefined, name: string, rules: readonly string[]): boolean {
  const before = previous?.chains.get(name)
  return before?.length === rules.length && before.every((rule, i) => rule === rules[i])
}

function elementLines(name: Container, next: Elements, before: Elements): readonly string[] {
  const gone: string[] = []
  const added: string[] = []
  for (const [key, rest] of before) if (next.get(key) !== rest) gone.push(key)
  for (const [key, rest] of next) {
    if (before.get(key) !== rest) added.push(rest === '' ? key : `${key} ${rest}`)
  }
  const lines: string[] = []
  if (gone.length > 0) lines.push(`delete element ${table} ${name} { ${gone.join(', ')} }`)
  if (added.length > 0) lines.push(`add element ${table} ${name} { ${added.join(', ')} }`)
  return lines
}

/** Chains go after the elements and rules that led to them, sets and counters after the rules that used them. */
function deleteParts(previous: Table, next: Table): readonly string[] {
  const chains = [...previous.chains.keys()].filter((name) => !next.chains.has(name))
  const sets = [...previous.affinitySets.keys()].filter((name) => !next.affinitySets.has(name))
  const counters = [...previous.counters].filter((name) => !next.counters.has(name))
  return [
    ...chains.map((name) => `flush chain ${table} ${name}`),
    ...chains.map((name) => `delete chain ${table} ${name}`),
    ...sets.map((name) => `delete set ${table} ${name}`),
    ...counters.map((name) => `delete counter ${table} ${name}`),
  ]
}
