/**
 * What nft and the kernel make of our scripts, as strictly as they do it: nothing can be used before it is there, nothing
 * goes while it is used, an element has one value. Only the statements that we write are understood.
 */

interface Set {
  readonly declaration: string
  readonly elements: Map<string, string>
}

export class KernelModel {
  readonly chains: Map<string, readonly string[]> = new Map()
  readonly counters: globalThis.Set<string> = new globalThis.Set()
  readonly sets: Map<string, Set> = new Map()

  /** One transaction. @throws Error as nft would refuse it */
  apply(script: readonly string[]): void {
    for (const statement of script) this.#run(statement)
    this.#check()
  }

  /** What packets meet: destinations in the place of keys, whatever the keys are. */
  resolved(): unknown {
    const rules = [...this.chains].map(([name, own]) => [
      name,
      own.map((rule) => this.#resolve(rule)),
    ])
    const sets = [...this.sets].filter(([name]) => !name.startsWith('to-'))
    return {
      rules: sorted(rules),
      counters: [...this.counters].sort(),
      sets: sorted(
        sets.map(([name, { declaration, elements }]) => [name, declaration, sorted([...elements])]),
      ),
      destinations: [...this.sets]
        .filter(([name]) => name.startsWith('to-'))
        .reduce((sum, [, { elements }]) => sum + elements.size, 0),
    }
  }

  #resolve(rule: string): string {
    const found = /(mod (\d+).*?) offset (\d+) map @(\S+)/.exec(rule)
    if (found === null) return rule
    const [, turns = '', count = '', offset = '', map = ''] = found
    const to = Array.from({ length: Number(count) }, (_, i) => {
      const element = this.sets.get(map)?.elements.get(String(Number(offset) + i))
      if (element === undefined) throw new Error(`${rule}: nothing at turn ${i}`)
      return element
    })
    return `${turns} of ${to.join()}`
  }

  #run(statement: string): void {
    const words = /^(add|flush|delete) (\S+) ip meshmark ?(\S*) ?(?:\{(.*)\})?$/s.exec(statement)
    if (words === null) {
      if (statement.startsWith('table ip meshmark {')) {
        this.#frame(statement)
        return
      }
      throw new Error(`not understood: ${statement}`)
    }
    const [, verb = '', kind = '', name = '', body = ''] = words
    switch (`${verb} ${kind}`) {
      case 'add table':
        return
      case 'delete table':
        this.#clear()
        return
      case 'add counter':
        this.counters.add(name)
        return
      case 'add chain':
        this.#addRules(name, body.trim().split('\n'))
        return
      case 'add map':
      case 'add set':
        this.#addSet(name, body.trim())
        return
      case 'flush chain':
        if (!this.chains.has(name)) throw new Error(`no such chain: ${name}`)
        this.chains.set(name, [])
        return
      case 'delete element':
        for (const key of items(body))
          if (this.sets.get(name)?.elements.delete(key) !== true)
            throw new Error(`no such element: ${name} ${key}`)
        return
      case 'delete chain':
      case 'delete map':
      case 'delete set':
      case 'delete counter':
        if (!this.#of(kind).delete(name)) throw new Error(`no such ${kind}: ${name}`)
        return
      default:
        throw new Error(`not understood: ${statement}`)
    }
  }

  #of(kind: string): { delete(name: string): boolean } {
    if (kind === 'counter') return this.counters
    return kind === 'chain' ? this.chains : this.sets
  }

  #clear(): void {
    for (const all of [this.chains, this.counters, this.sets]) all.clear()
  }

  #frame(text: string): void {
    for (const [, name = '', body = ''] of text.matchAll(
      /^ {2}(?:map|set) (\S+) \{ (type .*;) \}$/gm,
    ))
      this.#addSet(name, body)
  }

  #addRules(name: string, rules: readonly string[]): void {
    for (const rule of rules) {
      const goesTo = /goto (\S+)$/.exec(rule)?.[1]
      if (goesTo !== undefined && !this.chains.has(goesTo))
        throw new Error(`${rule}: no such chain`)
    }
    this.chains.set(name, [...(this.chains.get(name) ?? []), ...rules])
  }

  #addSet(name: string, body: string): void {
    const [declaration = '', elements = ''] = body.split(' elements = ')
    const set = this.sets.get(name) ?? { declaration, elements: new Map<string, string>() }
    if (set.declaration !== declaration) throw new Error(`${name} is there already, and another`)
    this.sets.set(name, set)
    for (const item of items(/\{ (.*) \}/.exec(elements)?.[1] ?? '')) {
      const [key = '', rest = ''] = item.split(/ (?=comment|: )(.*)/)
      const known = set.elements.get(key)
      if (known !== undefined && known !== rest) throw new Error(`${name} ${key} is there already`)
      const goesTo = /goto (\S+)$/.exec(rest)?.[1]
      if (goesTo !== undefined && !this.chains.has(goesTo))
        throw new Error(`${item}: no such chain`)
      set.elements.set(key, rest)
    }
  }

  /** Nothing that is used may be missing. */
  #check(): void {
    const verdicts = [...this.sets.values()].flatMap(({ elements }) => [...elements.values()])
    for (const text of [...verdicts, ...[...this.chains.values()].flat()]) {
      const goesTo = /goto (\S+)$/.exec(text)?.[1]
      if (goesTo !== undefined && !this.chains.has(goesTo))
        throw new Error(`${text}: the chain went`)
      const counter = /counter name "(.*)"/.exec(text)?.[1]
      if (counter !== undefined && !this.counters.has(counter)) throw new Error(`${text}: none`)
      const set = /@(\S+)/.exec(text)?.[1]
      if (set !== undefined && !this.sets.has(set)) throw new Error(`${text}: no such set`)
    }
  }
}

function items(list: string): readonly string[] {
  return list
    .trim()
    .split(', ')
    .filter((item) => item !== '')
}

function sorted<T>(values: readonly T[]): readonly T[] {
  return [...values].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}
