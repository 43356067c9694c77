/**
 * nft scripts: the whole table, or only what changed. Each is a list of statements that may be cut between any two:
 * normally they are one atomic transaction.
 */
import { baseChains, tableComment, tableName } from './base.ts'
import { affinitySetSize } from './compile.ts'
import type { Site } from './site.ts'
import { type Container, containerNames, containers, type Elements, type Table } from './table.ts'

const table = `ip ${tableName}`

/** Small enough for a statement to fit wherever one fits at all. */
const elementsPerStatement = 200

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
export function replaceScript(
  next: Table,
  site: Site,
  remembered: readonly Remembered[],
): readonly string[] {
  const frame: string[] = [`table ${table} {`, `  comment "${tableComment}"`]
  for (const name of containerNames) {
    const { kind, type } = containers[name]
    frame.push(`  ${kind} ${name} { type ${type}; }`)
  }
  frame.push(baseChains(site), '}')
  const clients = remembered
    .filter(({ set }) => next.affinitySets.has(set))
    .map(
      ({ set, address, expiresSeconds }) =>
        `add element ${table} ${set} { ${address} expires ${expiresSeconds}s }`,
    )
  return [...removeScript(), frame.join('\n'), ...addParts(next, undefined), ...clients]
}

/** Removes every trace of us. */
export function removeScript(): readonly string[] {
  return [`add table ${table}`, `delete table ${table}`]
}

/** Only the difference; empty when there is none. */
export function changeScript(previous: Table, next: Table): readonly string[] {
  return [...addParts(next, previous), ...deleteParts(previous, next)]
}

/** Replaces what the interfaces decide, without touching Services. */
export function outsideScript(outsideInterfaces: readonly string[]): readonly string[] {
  const names = outsideInterfaces.map((name) => `"${name}"`).join(', ')
  return [
    `flush set ${table} outside`,
    ...(names === '' ? [] : [`add element ${table} outside { ${names} }`]),
  ]
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
  return [
    ...inGroups(gone).map((keys) => `delete element ${table} ${name} { ${keys} }`),
    ...inGroups(added).map((elements) => `add element ${table} ${name} { ${elements} }`),
  ]
}

function inGroups(items: readonly string[]): readonly string[] {
  const groups: string[] = []
  for (let at = 0; at < items.length; at += elementsPerStatement) {
    groups.push(items.slice(at, at + elementsPerStatement).join(', '))
  }
  return groups
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
