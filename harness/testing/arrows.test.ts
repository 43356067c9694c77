import t from 'tap'
import { wrongArrows } from './arrows.ts'
import { productSources } from './sources.ts'

t.test('every import of the product runs the way that design.md says', (t) => {
  const sources = productSources()
  t.ok(sources.size > 20, 'the sources were found')
  t.same(wrongArrows(sources), [])
  t.end()
})

t.test('an arrow that runs the wrong way is found and named', (t) => {
  const wrong: readonly (readonly [string, string, string])[] = [
    [
      'harness/engine/run.ts',
      "import { local } from '../clusters/local/provider.ts'",
      'harness/clusters/local/provider.ts',
    ],
    ['harness/model/x.ts', "export type { A } from '../engine/a.ts'", 'harness/engine/a.ts'],
    [
      'harness/probes/http.ts',
      "const load = await import('../load/main.ts')",
      'harness/load/main.ts',
    ],
    [
      'harness/backends/dns.ts',
      "import { encode } from '../probes/dns.ts'",
      'harness/probes/dns.ts',
    ],
    [
      'scenarios/walkthrough/a.ts',
      "import type { A } from '../../harness/model/a.ts'",
      'harness/model/a.ts',
    ],
    ['reference-impl/main.ts', "import '../harness/api.ts'", 'harness/api.ts'],
    [
      'harness/cli/main.ts',
      "import { x } from '../../reference-impl/main.ts'",
      'reference-impl/main.ts',
    ],
  ]
  for (const [from, text, to] of wrong) {
    const found = wrongArrows(new Map([[from, text]]))
    t.match(found, [{ from, to }], `${from} may not import ${to}`)
  }
  t.end()
})

t.test('a file that no rule covers is found too', (t) => {
  t.match(wrongArrows(new Map([['tools/x.ts', '']])), [{ from: 'tools/x.ts' }])
  t.end()
})
