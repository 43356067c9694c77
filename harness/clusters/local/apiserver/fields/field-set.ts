import { isObject } from '../json.ts'
import type { JsonObject } from '../json.ts'

/**
 * A set of field paths, as a tree. Steps are written as in the FieldsV1 format: `f:spec`, `k:{"name":"a"}`, `v:"x"`,
 * `i:0`. Sets are never changed once built, except by {@link FieldSet.insert} while building.
 */
export class FieldSet {
  readonly #nodes = new Map<string, Node>()

  get isEmpty(): boolean {
    return this.#nodes.size === 0
  }

  insert(path: readonly string[]): void {
    let nodes = this.#nodes
    path.forEach((step, index) => {
      let node = nodes.get(step)
      if (node === undefined) {
        node = { isMember: false, children: new Map() }
        nodes.set(step, node)
      }
      if (index === path.length - 1) node.isMember = true
      nodes = node.children
    })
  }

  /** Whether the path of this one step is in the set. */
  has(step: string): boolean {
    return this.#nodes.get(step)?.isMember ?? false
  }

  /** What lies below a step; empty when nothing does. */
  below(step: string): FieldSet {
    return FieldSet.#of(this.#nodes.get(step)?.children ?? new Map<string, Node>())
  }

  union(other: FieldSet): FieldSet {
    return FieldSet.#of(combine(this.#nodes, other.#nodes, (a, b) => a || b))
  }

  intersection(other: FieldSet): FieldSet {
    return FieldSet.#of(combine(this.#nodes, other.#nodes, (a, b) => a && b))
  }

  difference(other: FieldSet): FieldSet {
    return FieldSet.#of(combine(this.#nodes, other.#nodes, (a, b) => a && !b))
  }

  /** Without some fields and everything below them. */
  without(steps: readonly string[]): FieldSet {
    const nodes = new Map([...this.#nodes].filter(([step]) => !steps.includes(step)))
    return FieldSet.#of(nodes)
  }

  /** Another set in the place of what lies below a step. */
  replaceBelow(step: string, below: FieldSet): FieldSet {
    const nodes = new Map(this.#nodes)
    const isMember = nodes.get(step)?.isMember ?? false
    if (isMember || !below.isEmpty) nodes.set(step, { isMember, children: below.#nodes })
    else nodes.delete(step)
    return FieldSet.#of(nodes)
  }

  /** Every member, as its steps. */
  paths(): readonly (readonly string[])[] {
    const found: (readonly string[])[] = []
    const walk = (nodes: ReadonlyMap<string, Node>, prefix: readonly string[]) => {
      for (const [step, node] of nodes) {
        const path = [...prefix, step]
        if (node.isMember) found.push(path)
        walk(node.children, path)
      }
    }
    walk(this.#nodes, [])
    return found
  }

  /** The same set in which every field on the way to a member is a member, too. */
  withParents(): FieldSet {
    const mark = (nodes: ReadonlyMap<string, Node>): Map<string, Node> =>
      new Map(
        [...nodes].map(([step, node]) => [
          step,
          { isMember: node.isMember || step.startsWith('f:'), children: mark(node.children) },
        ]),
      )
    return FieldSet.#of(mark(this.#nodes))
  }

  /** The FieldsV1 form: `{"f:spec":{"f:replicas":{}}}`. */
  toJson(): JsonObject {
    return nodesToJson(this.#nodes)
  }

  /** @throws Error when a step is none */
  static fromJson(json: JsonObject): FieldSet {
    return FieldSet.#of(nodesFromJson(json))
  }

  equals(other: FieldSet): boolean {
    return this.difference(other).isEmpty && other.difference(this).isEmpty
  }

  static #of(nodes: ReadonlyMap<string, Node>): FieldSet {
    const set = new FieldSet()
    for (const [step, node] of nodes) set.#nodes.set(step, node)
    return set
  }
}

interface Node {
  isMember: boolean
  readonly children: Map<string, Node>
}

const nothing: Node = { isMember: false, children: new Map() }

function combine(
  left: ReadonlyMap<string, Node>,
  right: ReadonlyMap<string, Node>,
  keep: (inLeft: boolean, inRight: boolean) => boolean,
): Map<string, Node> {
  const result = new Map<string, Node>()
  for (const step of new Set([...left.keys(), ...right.keys()])) {
    const [a, b] = [left.get(step) ?? nothing, right.get(step) ?? nothing]
    const isMember = keep(a.isMember, b.isMember)
    const children = combine(a.children, b.children, keep)
    if (isMember || children.size > 0) result.set(step, { isMember, children })
  }
  return result
}

function nodesToJson(nodes: ReadonlyMap<string, Node>): JsonObject {
  const json: JsonObject = {}
  for (const [step, node] of [...nodes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const below = nodesToJson(node.children)
    json[step] = node.isMember && node.children.size > 0 ? { '.': {}, ...below } : below
  }
  return json
}

function nodesFromJson(json: JsonObject): Map<string, Node> {
  const nodes = new Map<string, Node>()
  for (const [step, value] of Object.entries(json)) {
    if (step === '.') continue
    if (!/^[fkvi]:/.test(step)) throw new Error(`unknown path element type: ${step}`)
    const below = isObject(value) ? value : {}
    const children = nodesFromJson(below)
    nodes.set(step, { isMember: children.size === 0 || '.' in below, children })
  }
  return nodes
}

/** A path as people read it: `.spec.template.spec.containers[name="nginx"].image`. */
export function formatPath(path: readonly string[]): string {
  return path
    .map((step) => {
      const body = step.slice(2)
      if (step.startsWith('f:')) return `.${body}`
      if (step.startsWith('v:')) return `[=${body}]`
      if (step.startsWith('i:')) return `[${body}]`
      const keys = JSON.parse(body) as JsonObject
      const parts = Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      return `[${parts.join(',')}]`
    })
    .join('')
}
