import { Parser, type Result } from 'tap-parser'

/** What a TAP stream came to, counted by its innermost assertions. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  /** Skipped tests by reason, with how many. */
  readonly skipped: ReadonlyMap<string, number>
  /** Names of failed assertions with the tests around them, outermost first. */
  readonly failures: readonly string[]
}

/** Counts what a TAP text says. A test file without a single assertion counts as failed: it proved nothing. */
export function tally(text: string): Tally {
  const skipped = new Map<string, number>()
  const failures: string[] = []
  let passed = 0
  const count = (result: Result, path: readonly string[]): void => {
    if (result.skip) {
      const reason = typeof result.skip === 'string' ? result.skip : result.name
      skipped.set(reason, (skipped.get(reason) ?? 0) + 1)
    } else if (result.ok) passed += 1
    else failures.push([...path, result.name].join(' > '))
  }
  follow(new Parser(), [], count).end(text)
  return { passed, failed: failures.length, skipped, failures }
}

/** The tally of two runs together. */
export function added(one: Tally, other: Tally): Tally {
  const skipped = new Map(one.skipped)
  for (const [reason, times] of other.skipped)
    skipped.set(reason, (skipped.get(reason) ?? 0) + times)
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped,
    failures: [...one.failures, ...other.failures],
  }
}

/**
 * Listens to a parser and to the subtests in it. The line that closes a subtest repeats what was inside and is
 * counted only when it fails although nothing inside did (a time-out, a crash, a plan not kept).
 */
function follow(
  parser: Parser,
  path: readonly string[],
  count: (result: Result, path: readonly string[]) => void,
): Parser {
  let inside: { results: number; failed: number } | undefined
  parser.on('child', (child: Parser) => {
    const here = { results: 0, failed: 0 }
    inside = here
    follow(child, [...path, child.name], (result, at) => {
      here.results += 1
      if (!result.ok) here.failed += 1
      count(result, at)
    })
  })
  parser.on('assert', (result: Result) => {
    const subtest = inside
    inside = undefined
    if (subtest === undefined) count(result, path)
    else if (!result.ok && subtest.failed === 0) count(result, path)
    else if (subtest.results === 0) count(result, path)
  })
  return parser
}
