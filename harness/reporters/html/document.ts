import { createHash } from 'node:crypto'
import type { RunResult } from '../../model/run-result.ts'
import { instant } from '../format.ts'
import { suiteText } from '../reproduce.ts'
import { subjectName, verdictOf } from '../verdict.ts'
import { banner } from './banner.ts'
import { bench } from './bench.ts'
import { conformanceMatrix } from './conformance-matrix.ts'
import { conformance, type ShownRows } from './conformance.ts'
import { heading, type Frame } from './frame.ts'
import { gate } from './gate.ts'
import { Markup, markup } from './markup.ts'
import { rawData, type Carried } from './raw-data.ts'
import { script } from './script.ts'
import { runName, sideBySide } from './side-by-side.ts'
import { style } from './style.ts'
import { cluster, environment, problems, reproduce } from './surroundings.ts'
import { tested } from './tested.ts'
import { walkthrough } from './walkthrough.ts'

/** How much detail a document has; less of it for the sake of size. */
export interface Detail {
  readonly carried: Carried
  /** The tables of single trials. */
  readonly trials: boolean
  readonly rows: ShownRows
}

/** One file that needs nothing else: no network, no script, no other file. */
export function htmlDocument(results: readonly RunResult[], detail: Detail): string {
  const [only] = results
  const body =
    only !== undefined && results.length === 1 ? single(only, detail) : several(results, detail)
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="meshmark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src '${hash(style)}'; script-src '${hash(script)}'; base-uri 'none'; form-action 'none'">
<title>${title(results)}</title>
<link rel="icon" href="${icon}">
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
${body}
<footer>${footer(results)}</footer>
<script>${new Markup(script)}</script>
</body>
</html>
`.text
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

function single(result: RunResult, detail: Detail): Markup {
  const frame: Frame = { prefix: '', level: 2 }
  return markup`${masthead(`Run ${result.runId}`, instant(result.startedAt))}
<div class="page">
${contents([...sectionNames(result), ['data', 'Data']])}
<main id="main">
<section aria-label="Verdict">
${banner(result, frame, 1)}</section>
${runSections(result, frame, detail)}
${rawData([result], detail.carried)}</main>
</div>`
}

function several(results: readonly RunResult[], detail: Detail): Markup {
  const names = results.map((result, at) => [`run-${at + 1}`, runName(result, at)] as const)
  return markup`${masthead(`${results.length} runs`, '')}
<div class="page">
${contents([
  ['verdicts', 'Verdicts'],
  ...(results.some((result) => result.bench !== undefined)
    ? [['answers', 'Answers'] as const]
    : []),
  ...(results.some((result) => (result.bench?.experiments?.length ?? 0) > 0)
    ? [['experiments', 'Experiments'] as const]
    : []),
  ...(results.some((result) => (result.conformance?.tests.length ?? 0) > 0)
    ? [['conformance-matrix', 'Conformance'] as const]
    : []),
  ...(results.some((result) => result.walkthrough !== undefined)
    ? [['steps', 'Walkthroughs'] as const]
    : []),
  ...(results.length > 0 ? [['differences', 'Differences'] as const] : []),
  ...names,
  ['data', 'Data'],
])}
<main id="main">
<section id="verdicts" aria-labelledby="verdicts-title">
<h1 id="verdicts-title">${results.length === 0 ? 'No results' : `${results.length} runs side by side: ${inShort(results)}`}</h1>
<div class="verdicts">${results.map(
    (result, at) => markup`<div><h2><a href="#run-${at + 1}">${runName(result, at)}</a></h2>
${banner(result, { prefix: `run-${at + 1}-`, level: 3 }, 3)}</div>`,
  )}</div></section>
${conformanceMatrix(results, { prefix: '', level: 2 })}
${results.length > 0 && sideBySide(results)}
${results.map((result, at) => {
  const frame: Frame = { prefix: `run-${at + 1}-`, level: 3 }
  return markup`<section id="run-${at + 1}" class="run" aria-labelledby="run-${at + 1}-title">
${heading(2, runName(result, at), `run-${at + 1}-title`)}
${runSections(result, frame, detail)}</section>`
})}
${rawData(results, detail.carried)}</main>
</div>`
}

/** `all passed`, `2 passed, 1 no verdict`. */
function inShort(results: readonly RunResult[]): string {
  const words = results.map((result) => verdictOf(result).word)
  const kinds = [...new Set(words)]
  return kinds.length === 1
    ? `all ${kinds[0] ?? ''}`
    : kinds.map((kind) => `${words.filter((word) => word === kind).length} ${kind}`).join(', ')
}

function runSections(result: RunResult, frame: Frame, detail: Detail): Markup {
  return markup`${tested(result, frame)}
${result.walkthrough !== undefined && walkthrough(result.walkthrough, frame)}
${result.conformance !== undefined && conformance(result.conformance, frame, detail.rows)}
${result.bench !== undefined && bench(result.bench, frame, detail.trials)}
${result.gate !== undefined && gate(result.gate, frame)}
${environment(result, frame)}
${cluster(result, frame)}
${reproduce(result, frame)}
${problems(result, frame)}`
}

function sectionNames(result: RunResult): readonly (readonly [string, string])[] {
  return [
    ['tested', 'What was tested'],
    ...(result.walkthrough === undefined ? [] : [['walkthrough', 'Walkthrough'] as const]),
    ...(result.conformance === undefined ? [] : [['conformance', 'Conformance'] as const]),
    ...(result.bench === undefined ? [] : [['bench', 'Benchmarks'] as const]),
    ...(result.gate === undefined ? [] : [['gate', 'Comparison'] as const]),
    ['environment', 'Environment'],
    ['cluster', 'Cluster'],
    ['reproduce', 'Reproduce'],
    ['problems', 'Problems'],
  ]
}

function masthead(left: string, right: string): Markup {
  return markup`<header class="masthead"><p class="brand">${new Markup(mark)} meshmark</p><p>${left}${right !== '' && markup` <span class="sep">·</span> ${right}`}</p></header>`
}

function contents(entries: readonly (readonly [string, string])[]): Markup {
  return markup`<nav class="contents" aria-label="Contents"><ul>${entries.map(([id, name]) => markup`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>`
}

function title(results: readonly RunResult[]): string {
  const [only] = results
  return only !== undefined && results.length === 1
    ? `${verdictOf(only).word}: ${subjectName(only)} – meshmark`
    : `${results.length} runs – meshmark`
}

function footer(results: readonly RunResult[]): Markup {
  const suites = [...new Set(results.map(suiteText))]
  return markup`<p>Written by ${suites.length === 0 ? 'meshmark' : suites.join('; ')}. This file needs no network and no script.</p>`
}

/** Three nodes of a mesh. */
const mark =
  '<svg class="mark-logo" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="M5 18L12 5l7 13z"/><circle cx="12" cy="5" r="3.4"/><circle cx="5" cy="18" r="3.4"/><circle class="hollow" cx="19" cy="18" r="3.1"/></svg>'

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Cg fill='%232563c9'%3E%3Cpath d='M5 18L12 5l7 13z' fill='none' stroke='%232563c9' stroke-width='2'/%3E%3Ccircle cx='12' cy='5' r='4'/%3E%3Ccircle cx='5' cy='18' r='4'/%3E%3Ccircle cx='19' cy='18' r='4'/%3E%3C/g%3E%3C/svg%3E"
