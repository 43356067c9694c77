import type { KubeObject } from '../../../../model/kubernetes.ts'
import { badRequest } from '../api-errors.ts'
import { labelKeyProblems, labelValueProblems } from '../meta/names.ts'

/** Whether an object is selected. */
export type Selector = (object: KubeObject) => boolean

type Labels = Readonly<Record<string, string>>
type Requirement = (labels: Labels) => boolean

/**
 * Parses `a=b, c!=d, e in (f, g), h notin (i), j, !k, l>1, m<2`.
 * @returns undefined when everything is selected
 * @throws ApiError 400 when it does not parse
 */
export function parseLabelSelector(text: string): Selector | undefined {
  const requirements = new Parser(text).requirements()
  if (requirements.length === 0) return undefined
  return (object) => {
    const labels = object.metadata.labels ?? {}
    return requirements.every((matches) => matches(labels))
  }
}

class Parser {
  readonly #text: string
  readonly #tokens: readonly string[]
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = text.match(/!=|==|[=!<>(),]|[^\s=!<>(),]+/g) ?? []
  }

  requirements(): readonly Requirement[] {
    const found: Requirement[] = []
    if (this.#tokens.length === 0) return found
    do found.push(this.#requirement())
    while (this.#take(','))
    const [rest] = this.#tokens.slice(this.#at)
    if (rest !== undefined) throw this.#unexpected(rest, "',' or 'end of string'")
    return found
  }

  #requirement(): Requirement {
    const isNegated = this.#take('!')
    const key = this.#word('identifier')
    this.#check(labelKeyProblems(key), 'key', key)
    if (isNegated) return (labels) => !(key in labels)
    const operator = this.#tokens[this.#at]
    if (operator === undefined || operator === ',') return (labels) => key in labels
    this.#at += 1
    switch (operator) {
      case '=':
      case '==': {
        const value = this.#value(key)
        return (labels) => labels[key] === value
      }
      case '!=': {
        const value = this.#value(key)
        return (labels) => labels[key] !== value
      }
      case 'in': {
        const values = this.#values(key)
        return (labels) => values.has(labels[key] ?? null)
      }
      case 'notin': {
        const values = this.#values(key)
        return (labels) => !values.has(labels[key] ?? null)
      }
      case '>':
      case '<': {
        const bound = this.#integer()
        const isGreater = operator === '>'
        return (labels) => {
          const value = labels[key]
          if (value === undefined || !/^[-+]?\d+$/.test(value)) return false
          return isGreater ? Number(value) > bound : Number(value) < bound
        }
      }
      default:
        throw this.#unexpected(operator, 'in, notin, =, ==, !=, gt, lt')
    }
  }

  #values(key: string): ReadonlySet<string | null> {
    if (!this.#take('(')) throw this.#unexpected(this.#tokens[this.#at] ?? '', "'('")
    const values = new Set<string>()
    do values.add(this.#value(key))
    while (this.#take(','))
    if (!this.#take(')')) throw this.#unexpected(this.#tokens[this.#at] ?? '', "',', or ')'")
    return values
  }

  /** May be empty: `a=` selects objects whose label is empty. */
  #value(key: string): string {
    const next = this.#tokens[this.#at]
    if (next === undefined || next === ',' || next === ')') return ''
    const value = this.#word('identifier')
    this.#check(labelValueProblems(value), `values[0][${key}]`, value)
    return value
  }

  #integer(): number {
    const word = this.#word('integer')
    if (!/^[-+]?\d+$/.test(word)) {
      throw badRequest(
        `unable to parse requirement: values[0]: Invalid value: "${word}": for 'Gt', 'Lt' operators, the value must be an integer`,
      )
    }
    return Number(word)
  }

  #word(expected: string): string {
    const word = this.#tokens[this.#at]
    if (word === undefined || /^[=!<>(),]/.test(word)) throw this.#unexpected(word ?? '', expected)
    this.#at += 1
    return word
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false
    this.#at += 1
    return true
  }

  #check(problems: readonly string[], field: string, value: string): void {
    if (problems.length === 0) return
    throw badRequest(
      `unable to parse requirement: ${field}: Invalid value: "${value}": ${problems.join('; ')}`,
    )
  }

  #unexpected(found: string, expected: string): Error {
    return badRequest(
      `unable to parse requirement: found '${found}', expected: ${expected} (selector: ${this.#text})`,
    )
  }
}
