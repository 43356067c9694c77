import type { Reporter } from '../model/reporter.ts'
import { badge } from './badge.ts'
import { conformanceReport, yaml } from './conformance-report.ts'
import { github } from './github.ts'
import { histograms } from './histograms.ts'
import { html } from './html/report.ts'
import { json } from './json.ts'
import { junit } from './junit.ts'
import { markdown } from './markdown.ts'
import { sarif } from './sarif.ts'
import { tap } from './tap.ts'

/** Every format a result can be rendered in. */
export const reporters: readonly Reporter[] = [
  html,
  json,
  markdown,
  tap,
  junit,
  sarif,
  badge,
  conformanceReport,
  yaml,
  histograms,
  github,
]
