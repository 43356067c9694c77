/**
 * nft scripts: the whole table, or only what changed. Each is a list of statements that may be cut between any two:
 * normally they are one atomic transaction.
 *
 * Rules are written in the block of their chain and elements in the declaration of their set, which both may be there
 * already. `add rule`, `add element` and `delete` would do the same, but make nft read all chains and counters of the
 * node first: 30 ms with 10 000 Services.
 */
import { baseChains, tableComment, tableName } from './base.ts'
import type { Change } from './claims.ts'
import type { Site } from './site.ts'
import {
  affinityDeclaration,
  containerNames,
  type Container,
  type Declaration,
  declarationOf,
  type DestinationMap,
  isDestinationMap,
  type Table,
  type TableChange,
} from './table.ts'

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
    const { title, body } = declarationOf(name)
    frame.push(`  ${title} { ${body} }`)
  }
  frame.push(baseChains(site), '}')
  const clients = remembered
    .filter(({ set }) => next.affinitySets.has(set))
    .map(
      ({ set, address, expiresSeconds }) =>
        `add element ${table} ${set} { ${address} expires ${expiresSeconds}s }`,
    )
  return [
    ...[...removeScript(), frame.join('\n')],
    ...[...next.counters].map(([name]) => addCounter(name)),
    ...[...next.affinitySets].map(([name, seconds]) => add(affinityDeclaration(name, seconds))),
    ...[...next.elements.keys()].filter(isDestinationMap).map((name) => add(declarationOf(name))),
    ...targetsFirst([...next.chains]).map(([name, rules]) => addChain(name, rules)),
    ...[...next.elements].flatMap(([name, elements]) => addElements(name, [...elements])),
    ...clients,
  ]
}

/** Removes every trace of us. */
export function removeScript(): readonly string[] {
  return [`add table ${table}`, `delete table ${table}`]
}

/** Elements that are there no longer by right, and still in the kernel. */
export type Leftovers = ReadonlyMap<Container | DestinationMap, ReadonlyMap<string, string>>

/**
 * Only the difference; empty when there is none.
 * @param leftovers - of earlier changes, which go now
 */
export function changeScript(
  change: TableChange,
  next: Table,
  leftovers: Leftovers = new Map(),
): readonly string[] {
  const names = new Set([...change.elements.keys(), ...leftovers.keys()])
  const replaced = [...names].flatMap((name) => {
    const changes = change.elements.get(name) ?? []
    const stale = new Set(leftovers.get(name)?.keys())
    for (const { key, before } of changes) if (before !== undefined) stale.add(key)
    return deleteElements(name, [...stale])
  })
  return [...replaced, ...additions(change, next), ...removals(change)]
}

/** Elements of these lead nowhere by themselves: whether one is there too long makes no difference to any packet. */
export function mayStay(name: Container | DestinationMap): boolean {
  return name.startsWith('to-') || ['endpoint-ips', 'local-pods', 'hairpin'].includes(name)
}

/**
 * The difference as far as it cannot wait, without a statement that nft is slow at; undefined when there has to be one.
 * What changes had before in containers that `mayStay` names is left over.
 * @param leftovers - what the kernel has already of what comes
 */
export function quickScript(
  change: TableChange,
  next: Table,
  leftovers: Leftovers,
): readonly string[] | undefined {
  const goes = ({ now }: Change<unknown>): boolean => now === undefined
  const { chains, counters, affinitySets, elements, emptied } = change
  if (emptied.length > 0 || [chains, counters, affinitySets].some((all) => all.some(goes)))
    return undefined
  for (const [name, changes] of elements) {
    const left = leftovers.get(name)
    for (const { key, before, now } of changes) {
      if (before !== undefined && (now !== undefined || !mayStay(name))) return undefined
      const had = left?.get(key)
      if (now !== undefined && had !== undefined && had !== now) return undefined
    }
  }
  return additions(change, next)
}

/** Replaces what the interfaces decide, without touching Services. */
export function outsideScript(outsideInterfaces: readonly string[]): readonly string[] {
  const names = outsideInterfaces.map((name) => `"${name}"`).join(', ')
  return [
    `flush set ${table} outside`,
    ...(names === '' ? [] : [`add element ${table} outside { ${names} }`]),
  ]
}

function additions(change: TableChange, next: Table): readonly string[] {
  const chains = change.chains.filter(({ now }) => now !== undefined)
  const rules = chains.flatMap(({ now }) => now ?? [])
  return [
    ...change.counters.filter(({ now }) => now !== undefined).map(({ key }) => addCounter(key)),
    ...usedSets(rules, next).map(add),
    ...chains
      .filter(({ before }) => before !== undefined)
      .map(({ key }) => `flush chain ${table} ${key}`),
    ...targetsFirst(chains.map(({ key, now }) => [key, now ?? []] as const)).map(([name, own]) =>
      addChain(name, own),
    ),
    ...[...change.elements].flatMap(([name, changes]) =>
      addElements(
        name,
        changes.flatMap(({ key, now }) => (now === undefined ? [] : [[key, now] as const])),
      ),
    ),
  ]
}

/** Sets and maps that `rules` look into: nft knows those that a script declares, and reads no others for a block. */
function usedSets(rules: readonly string[], next: Table): readonly Declaration[] {
  const names = new Set(rules.flatMap((rule) => /@(\S+)/.exec(rule)?.[1] ?? []))
  return [...names].map((name) => {
    const seconds = next.affinitySets.get(name)
    return seconds === undefined
      ? declarationOf(name as DestinationMap)
      : affinityDeclaration(name, seconds)
  })
}

/** Chains go after the elements and rules that led to them, sets and counters after the rules that used them. */
function removals({ chains, affinitySets, counters, emptied }: TableChange): readonly string[] {
  const gone = <V>(changes: readonly Change<V>[]): readonly string[] =>
    changes.filter(({ now }) => now === undefined).map(({ key }) => key)
  const names = gone(chains)
  return [
    ...names.map((name) => `flush chain ${table} ${name}`),
    ...names.map((name) => `delete chain ${table} ${name}`),
    ...gone(affinitySets).map((name) => `delete set ${table} ${name}`),
    ...emptied.map((name) => `delete map ${table} ${name}`),
    ...gone(counters).map((name) => `delete counter ${table} ${name}`),
  ]
}

/** A chain has to be there before a rule leads to it: those of single endpoints go first, they lead to no other. */
function targetsFirst<T extends readonly [string, readonly string[]]>(
  chains: readonly T[],
): readonly T[] {
  const isTarget = ([name]: T): boolean => name.startsWith('to/')
  return [...chains.filter(isTarget), ...chains.filter((chain) => !isTarget(chain))]
}

function addChain(name: string, rules: readonly string[]): string {
  return `add chain ${table} ${name} {\n${rules.join('\n')}\n}`
}

function addCounter(name: string): string {
  return `add counter ${table} ${name}`
}

function add({ title, body }: Declaration): string {
  return `add ${title.replace(' ', ` ${table} `)} { ${body} }`
}

function addElements(
  name: Container | DestinationMap,
  elements: readonly (readonly [string, string])[],
): readonly string[] {
  const { title, body } = declarationOf(name)
  const texts = elements.map(([key, rest]) => (rest === '' ? key : `${key} ${rest}`))
  return inGroups(texts).map((group) => add({ title, body: `${body} elements = { ${group} };` }))
}

function deleteElements(
  name: Container | DestinationMap,
  keys: readonly string[],
): readonly string[] {
  return inGroups(keys).map((group) => `delete element ${table} ${name} { ${group} }`)
}

function inGroups(items: readonly string[]): readonly string[] {
  const groups: string[] = []
  for (let at = 0; at < items.length; at += elementsPerStatement) {
    groups.push(items.slice(at, at + elementsPerStatement).join(', '))
  }
  return groups
}
