import { dirname, join, normalize } from 'node:path'

/** An import that runs the wrong way. */
export interface WrongArrow {
  readonly from: string
  readonly to: string
  readonly rule: string
}

interface Rule {
  /** Applies to files whose path starts with this; the first rule that applies counts. */
  readonly from: string
  /** Paths that such files may import, by prefix; their own folder is always allowed. */
  readonly to: readonly string[]
  readonly why: string
}

/** design.md, "One way through". */
const rules: readonly Rule[] = [
  { from: 'harness/model/', to: [], why: 'model imports nothing' },
  {
    from: 'harness/api.ts',
    to: ['harness/model/', 'harness/targets/own/'],
    why: 'api.ts re-exports model, and what a user makes a target with',
  },
  { from: 'harness/engine/', to: ['harness/model/'], why: 'the engine imports no adapter' },
  { from: 'harness/config/', to: ['harness/model/'], why: 'config imports model alone' },
  { from: 'harness/results/', to: ['harness/model/'], why: 'results import model alone' },
  { from: 'harness/clusters/', to: ['harness/model/'], why: 'adapters import model alone' },
  { from: 'harness/targets/', to: ['harness/model/'], why: 'adapters import model alone' },
  { from: 'harness/backends/', to: ['harness/model/'], why: 'adapters import model alone' },
  { from: 'harness/probes/', to: ['harness/model/'], why: 'adapters import model alone' },
  {
    from: 'harness/load/',
    to: ['harness/model/', 'harness/measure/'],
    why: 'load generators import model and the histograms of measure',
  },
  { from: 'harness/measure/', to: ['harness/model/'], why: 'adapters import model alone' },
  { from: 'harness/reporters/', to: ['harness/model/'], why: 'adapters import model alone' },
  {
    from: 'harness/cli/',
    to: ['harness/', 'scenarios/'],
    why: 'the command line wires everything but the reference data plane',
  },
  { from: 'harness/testing/', to: ['harness/', 'scenarios/'], why: 'test support' },
  { from: 'scenarios/', to: ['harness/api.ts'], why: 'scenarios import harness/api.ts alone' },
  {
    from: 'reference-impl/',
    to: [],
    why: 'the reference data plane imports nothing outside itself',
  },
]

/** Finds the imports that run another way than design.md says. Keys are paths from the project's root. */
export function wrongArrows(sources: ReadonlyMap<string, string>): readonly WrongArrow[] {
  return [...sources].flatMap(([from, text]) => {
    const rule = rules.find((candidate) => from.startsWith(candidate.from))
    if (rule === undefined) return [{ from, to: '(anything)', rule: 'no rule covers this file' }]
    return importsOf(text)
      .map((specifier) => normalize(join(dirname(from), specifier)))
      .filter((to) => !to.startsWith(rule.from) && !rule.to.some((prefix) => to.startsWith(prefix)))
      .map((to) => ({ from, to, rule: rule.why }))
  })
}

/** Relative module specifiers of static imports, re-exports and `import()`. */
function importsOf(text: string): readonly string[] {
  const pattern = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.{1,2}\/[^'"]+)\1/g
  return [...text.matchAll(pattern)].flatMap(([, , specifier]) =>
    specifier === undefined ? [] : [specifier],
  )
}
