import { isDeepStrictEqual } from 'node:util'
import type { Assessment, Convergence, Finding, Statistic } from '../../../harness/api.ts'

interface More {
  readonly convergence?: Convergence
  readonly statistic?: Statistic
}

/**
 * Collects comparisons and makes an assessment of them: conforms when all hold, violates with those that do not. A
 * judgement without any comparison is a fault of the check and throws, because missing data never passes.
 */
export class Judgement {
  readonly #findings: Finding[] = []

  /** Same value, deeply. */
  equal(name: string, expected: unknown, observed: unknown): this {
    return this.#add(name, 'equal', expected, observed, isDeepStrictEqual(expected, observed))
  }

  /** Same members, each once, in any order. */
  set(name: string, expected: Iterable<string>, observed: Iterable<string>): this {
    const [want, have] = [[...expected].sort(), [...observed].sort()]
    return this.#add(name, 'set', want, have, isDeepStrictEqual(want, have))
  }

  /** At most; `unit` belongs to the number, `ms` unless told. */
  atMost(name: string, most: number, observed: number, unit = 'ms'): this {
    return this.#add(name, 'bound', `<= ${most} ${unit}`, rounded(observed, unit), observed <= most)
  }

  atLeast(name: string, least: number, observed: number, unit = 'ms'): this {
    return this.#add(
      name,
      'bound',
      `>= ${least} ${unit}`,
      rounded(observed, unit),
      observed >= least,
    )
  }

  /** Something that has to be so, in words. */
  holds(name: string, expected: string, observed: string, ok: boolean): this {
    return this.#add(name, 'event', expected, observed, ok)
  }

  get ok(): boolean {
    return this.#findings.every((finding) => finding.ok)
  }

  /** @param observed - what was seen, in one line, for a pass */
  assessment(observed: string, more: More = {}): Assessment {
    if (this.#findings.length === 0) throw new Error('the check compared nothing')
    const wrong = this.#findings.filter((finding) => !finding.ok)
    const base = { findings: this.#findings, ...more }
    if (wrong.length === 0) return { kind: 'conforms', observed, ...base }
    return {
      kind: 'violates',
      expected: wrong.map((one) => `${one.name}: ${text(one.expected)}`).join('; '),
      observed: wrong.map((one) => `${one.name}: ${text(one.observed)}`).join('; '),
      ...base,
    }
  }

  #add(
    name: string,
    kind: Finding['kind'],
    expected: unknown,
    observed: unknown,
    ok: boolean,
  ): this {
    this.#findings.push({ name, kind, expected, observed, ok })
    return this
  }
}

/** The check cannot say anything here; the reason is for a reader of the report. */
export function skipped(reason: string): Assessment {
  return { kind: 'skipped', reason }
}

function rounded(value: number, unit: string): string {
  return `${Math.round(value * 1000) / 1000} ${unit}`
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
