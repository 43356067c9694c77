import { argv, stdout } from 'node:process'
import {
  allRuns,
  conformantRun,
  failingRun,
  invalidRun,
  nextRelease,
  nonConformantRun,
  partialRun,
  passingRun,
} from '../fixtures.ts'
import { html } from './report.ts'

// A report of made-up results, to look at: `node dist/harness/reporters/html/preview.js [name] > /tmp/x.html`.
const previews = {
  passing: () => [passingRun()],
  failing: () => [failingRun()],
  partial: () => [partialRun()],
  invalid: () => [invalidRun()],
  releases: () => [passingRun(), nextRelease()],
  conformant: () => [conformantRun()],
  'non-conformant': () => [nonConformantRun()],
  targets: () => [conformantRun(), nonConformantRun()],
  all: () => allRuns(),
}
const name = argv[2] ?? 'passing'
const preview = Object.entries(previews).find(([known]) => known === name)?.[1]
if (preview === undefined)
  throw new Error(`there is no preview "${name}"; there are ${Object.keys(previews).join(', ')}`)
stdout.write(html.render(preview()))
