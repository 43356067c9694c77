import { chartStyle } from './style-charts.ts'
import { conformanceStyle } from './style-conformance.ts'

/** Light by default, dark where the reader's system asks for it, always light on paper. */
const colours = `
:root {
  color-scheme: light dark;
  --page: #fbfbfc; --surface: #ffffff; --sunken: #f2f4f7; --line: #dfe3e9;
  --ink: #14181f; --muted: #56606f;
  --accent: #1d5bbf; --accent-soft: #e4edfb; --direct: #8791a0;
  --good: #14713f; --good-soft: #e5f4eb; --bad: #b3232a; --bad-soft: #fceaea;
  --warn: #835300; --warn-soft: #fbf1dd; --plain-soft: #eef0f3;
}
@media screen and (prefers-color-scheme: dark) { :root {
  --page: #0f1318; --surface: #161b22; --sunken: #1c222b; --line: #2d3540;
  --ink: #e6eaf0; --muted: #9ba6b5;
  --accent: #7cb0ff; --accent-soft: #1a2b47; --direct: #7f8a99;
  --good: #5fcf94; --good-soft: #12291d; --bad: #ff8b87; --bad-soft: #351a1c;
  --warn: #e9b75a; --warn-soft: #30260f; --plain-soft: #20262f;
} }
.s-passed { --tone: var(--good); --tone-soft: var(--good-soft); }
.s-failed { --tone: var(--bad); --tone-soft: var(--bad-soft); }
.s-invalid, .s-inconclusive { --tone: var(--warn); --tone-soft: var(--warn-soft); }
.s-skipped { --tone: var(--muted); --tone-soft: var(--plain-soft); }`

const text = `
*, *::before, *::after { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1.5rem; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 1rem/1.55 Inter, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
h1, h2, h3, h4, p, ul, ol, dl, dd, figure, pre { margin: 0; }
ul, ol { padding: 0; list-style: none; }
h1, h2, h3, h4 { line-height: 1.25; text-wrap: balance; letter-spacing: -.012em; font-weight: 650; }
h1 { font-size: clamp(1.4rem, 1.1rem + 1.4vw, 2rem); letter-spacing: -.022em; text-wrap: pretty; }
h2 { font-size: 1.5rem; letter-spacing: -.018em; }
h3 { font-size: 1.15rem; }
h4 { font-size: 1rem; }
a { color: var(--accent); text-underline-offset: .18em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 3px; }
code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: .86em; }
code { overflow-wrap: anywhere; }
pre code { font-size: 1em; }
.lead { color: var(--muted); max-width: 68ch; text-wrap: pretty; }
.meta { color: var(--muted); font-size: .875rem; text-wrap: pretty; }
.skip { position: absolute; left: 1rem; top: -4rem; background: var(--surface); padding: .5rem 1rem; border-radius: 6px; z-index: 1; }
.skip:focus { top: 1rem; }
button {
  font: inherit; font-size: .875rem; color: var(--accent); background: var(--surface); cursor: pointer;
  border: 1px solid var(--line); border-radius: 6px; padding: .35rem .8rem; margin-top: .75rem;
}
button:hover { border-color: var(--accent); }`

const page = `
.masthead, .page, footer { max-width: 76rem; margin-inline: auto; padding-inline: clamp(1rem, 4vw, 2.5rem); }
.masthead { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: center; justify-content: space-between; padding-block: 1.25rem; font-size: .875rem; color: var(--muted); }
.brand { display: flex; align-items: center; gap: .55rem; font-size: 1.05rem; font-weight: 650; letter-spacing: -.02em; color: var(--ink); }
.mark-logo { width: 1.5rem; height: 1.5rem; fill: var(--accent); stroke: none; }
.mark-logo path { fill: none; stroke: var(--accent); stroke-width: 1.6; }
.mark-logo .hollow { fill: var(--page); stroke: var(--accent); stroke-width: 1.6; }
main { min-width: 0; }
main > section + section, .run > section { margin-top: 3.5rem; }
.part > h2, .part > h3 { margin-bottom: 1.1rem; }
.part > h2 { padding-top: 1.1rem; border-top: 1px solid var(--line); }
.run { padding-top: 2rem; border-top: 3px solid var(--ink); }
.run > h2 { font-size: 1.75rem; }
.run > section { margin-top: 2.5rem; }
.contents { margin-bottom: 1.5rem; font-size: .875rem; }
.contents ul { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; }
.contents a { color: var(--muted); text-decoration: none; display: inline-block; padding-block: .15rem; }
.contents a:hover { color: var(--accent); text-decoration: underline; }
@media screen and (min-width: 70rem) {
  .page { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr); gap: 3rem; }
  .contents { position: sticky; top: 1.5rem; align-self: start; margin: 0; max-height: calc(100vh - 3rem); overflow: auto; }
  .contents ul { flex-direction: column; gap: .3rem; border-left: 1px solid var(--line); padding-left: 1rem; }
}
footer { margin-top: 4rem; padding-block: 1.5rem 3rem; font-size: .8125rem; color: var(--muted); }`

const parts = `
.banner { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 1.25rem; padding: clamp(1.1rem, 3vw, 2rem); background: var(--tone-soft); border-radius: 14px; }
.banner > .glyph { width: 2.75rem; height: 2.75rem; }
.banner .word { color: var(--tone); font-weight: 700; font-size: .8125rem; letter-spacing: .08em; text-transform: uppercase; margin-bottom: .25rem; }
.banner .exit { margin-top: .8rem; }
.banner .code { display: inline-block; font-weight: 600; padding: .05rem .55rem; margin-right: .35rem; border: 1px solid var(--tone); border-radius: 99px; font-size: .875rem; white-space: nowrap; }
.banner .note { margin-top: .6rem; padding-left: .8rem; border-left: 3px solid var(--tone); }
.banner .culprits { margin-top: .8rem; }
.banner .culprits a { color: inherit; }
.banner .culprits li + li { margin-top: .2rem; }
.verdicts { display: grid; gap: 1.25rem; margin-top: 1.5rem; }
.verdicts h2 { font-size: 1rem; margin-bottom: .5rem; }
.verdicts .banner { padding: 1rem 1.25rem; }
.verdicts .banner h3 { font-size: 1.05rem; }
.verdicts .banner > .glyph { width: 1.75rem; height: 1.75rem; }
.glyph { width: 1.25rem; height: 1.25rem; flex: none; fill: var(--tone); }
.glyph path:not(.g) { fill: none; stroke: var(--page); stroke-width: 2.2; stroke-linecap: round; stroke-linejoin: round; }
.glyph .o { fill: none; stroke: var(--tone); stroke-width: 1.8; }
.glyph .k { stroke: var(--tone) !important; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: 1.1rem 2rem; }
.facts dt { font-size: .8125rem; color: var(--muted); }
.facts dd { overflow-wrap: anywhere; }
.part > .facts + .scroll, .part > .charts + .facts { margin-top: 1.75rem; }
.steps { margin-top: 1.75rem; }
.step { position: relative; padding: 0 0 1.5rem 2.35rem; }
.step::before { content: ""; position: absolute; left: .6rem; top: 1.9rem; bottom: .25rem; width: 1px; background: var(--line); }
.step:last-child::before { display: none; }
.step > .glyph { position: absolute; left: 0; top: .15rem; }
.step-head { display: flex; flex-wrap: wrap; gap: .1rem 1.5rem; align-items: baseline; justify-content: space-between; margin-bottom: .2rem; }
.step-head h3, .step-head h4 { font-size: 1rem; font-weight: 600; letter-spacing: 0; flex: 1 1 18rem; text-wrap: pretty; }
.step-status { font-size: .8125rem; color: var(--muted); white-space: nowrap; }
.step-status .status { color: var(--tone); font-weight: 600; }
.step-status .took { display: inline-block; min-width: 4.2rem; text-align: right; }
pre { background: var(--sunken); border-radius: 8px; padding: .55rem .8rem; overflow-x: auto; line-height: 1.5; }
.command { background: none; padding: 0; border-radius: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
[data-copy] { background: var(--sunken); padding: .7rem .9rem; border-radius: 8px; }
.command .prompt { color: var(--muted); user-select: none; }
.outcome { margin-top: .35rem; font-size: .9rem; }
.outcome > div { display: grid; grid-template-columns: 5rem minmax(0, 1fr); gap: .75rem; }
.outcome > div + div { margin-top: .2rem; }
.outcome dt { color: var(--muted); }
.outcome dd { overflow-wrap: anywhere; }
.s-failed .o-seen dd, .s-inconclusive .o-reason dd { color: var(--tone); font-weight: 600; }
.s-failed .o-seen pre { color: var(--ink); font-weight: 400; }
summary { cursor: pointer; color: var(--muted); width: fit-content; max-width: 100%; }
summary code { color: var(--ink); }
summary:hover { color: var(--accent); }
details[open] > summary { margin-bottom: .5rem; }
.glance { margin-top: 1.5rem; border-top: 1px solid var(--line); }
.glance li { display: grid; grid-template-columns: minmax(0, 1fr) 8.5rem 18.5rem; gap: .2rem 1.5rem; align-items: baseline; padding: .7rem 0; border-bottom: 1px solid var(--line); }
.glance a { color: var(--ink); text-decoration-color: var(--line); }
.glance .big { font-size: 1.2rem; font-weight: 650; letter-spacing: -.015em; text-align: right; white-space: nowrap; }
.glance .big.s-invalid { font-size: .95rem; color: var(--tone); }
.glance .big .glyph { width: 1em; height: 1em; vertical-align: -.12em; }
.glance .small { font-size: .8125rem; line-height: 1.4; color: var(--muted); }
.question { margin-top: 2.5rem; padding: clamp(1.1rem, 2.5vw, 1.75rem); background: var(--surface); border: 1px solid var(--line); border-radius: 14px; }
.question .tag { font-size: .8125rem; color: var(--muted); margin-bottom: .25rem; }
.question h3, .question h4 { font-size: 1.2rem; }
.question .answer { font-size: 1.0625rem; margin-top: .6rem; max-width: 64ch; text-wrap: pretty; }
.question .meta { margin-top: .6rem; max-width: 80ch; }
.unused { display: flex; gap: .7rem; margin-top: .9rem; padding: .7rem .9rem; border-radius: 8px; background: var(--tone-soft); font-size: .9rem; }
.unused .glyph { margin-top: .1rem; }
.unused ul, .problems { list-style: disc; padding-left: 1.2rem; }
.numbers { margin-top: 1.1rem; font-size: .9rem; }
.mark { color: var(--tone); font-weight: 600; white-space: nowrap; }
.mark .glyph { width: 1rem; height: 1rem; margin-right: .25rem; vertical-align: -.16rem; }
#reproduce p + pre, .part > p + pre { margin-top: .75rem; }
.part > pre + p, .part > button + p { margin-top: .75rem; }
.scroll {
  --under: var(--page); overflow-x: auto;
  background: linear-gradient(to right, var(--under) 40%, transparent) 0 0 / 2.5rem 100% no-repeat local, linear-gradient(to left, var(--under) 40%, transparent) 100% 0 / 2.5rem 100% no-repeat local,
    linear-gradient(to right, var(--line), transparent) 0 0 / .8rem 100% no-repeat scroll, linear-gradient(to left, var(--line), transparent) 100% 0 / .8rem 100% no-repeat scroll;
}
.question .scroll { --under: var(--surface); }
.scroll + .scroll { margin-top: 1.5rem; }
table { border-collapse: collapse; font-size: .875rem; line-height: 1.4; min-width: min(100%, 20rem); }
caption { text-align: left; color: var(--muted); font-size: .8125rem; padding-bottom: .4rem; }
caption span { display: block; position: sticky; left: 0; max-width: min(80ch, 100vw - 2rem); width: fit-content; }
th, td { padding: .4rem 1.4rem .4rem 0; text-align: left; vertical-align: baseline; }
th { font-weight: 600; }
thead th { color: var(--muted); font-weight: 500; font-size: .8125rem; border-bottom: 1px solid var(--line); vertical-align: bottom; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
tbody th { font-weight: 500; }
td.p { min-width: 15rem; }
td small { color: var(--muted); }
.lead + .lead { margin-top: .6rem; }
.numbers :is(th, td) { padding-right: .95rem; font-size: .8125rem; }
tbody th.t { min-width: 8.5rem; }
.lead + .scroll { margin-top: 1.25rem; }
.n { text-align: right; white-space: nowrap; }
tr > :last-child { padding-right: 0; }
@media screen and (max-width: 44rem) {
  .banner { grid-template-columns: minmax(0, 1fr); gap: .8rem; }
  .glance li { grid-template-columns: minmax(0, 1fr); }
  .glance .big { text-align: left; }
  .outcome > div { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .outcome > div + div { margin-top: .45rem; }
  .outcome dt { font-size: .8125rem; }
  .step-status .took { min-width: 0; margin-left: .5rem; }
  .facts { grid-template-columns: repeat(auto-fill, minmax(min(9.5rem, 100%), 1fr)); gap: 1rem 1.25rem; }
  .question { margin-inline: -1rem; border-inline: 0; border-radius: 0; padding-inline: 1rem; }
  th, td { padding-right: 1rem; }
}`

const paper = `
@media print {
  @page { margin: 16mm 14mm; }
  :root { color-scheme: light; }
  body { background: #fff; font-size: 10pt; }
  .contents, .skip, button { display: none; }
  .masthead, .page, footer { max-width: none; padding-inline: 0; }
  .banner, .unused, dd pre { border: 1px solid var(--line); }
  .question { padding: 0; border: 0; background: none; margin-inline: 0; }
  .charts { grid-template-columns: 1fr 1fr; gap: 1rem 1.5rem; }
  main > section + section { margin-top: 2rem; }
  .glance li { grid-template-columns: minmax(0, 1fr) 5.5rem 14rem; }
  figure, .step, .facts > div, tr, .glance li, .banner { break-inside: avoid; }
  h1, h2, h3, h4, .tag, .answer, caption, figcaption { break-after: avoid; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  .scroll { overflow: visible; }
  .scroll { background: none; }
  table { font-size: 8pt; }
  th, td { padding-right: .8rem; }
  tbody th.t { min-width: 0; }
  .numbers :is(th, td) { font-size: 6.5pt; }
  td.p { min-width: 0; }
  .numbers table { min-width: 0; }
  .numbers th, .numbers td { padding-right: .5rem; white-space: normal; }
  details::details-content { content-visibility: visible; }
  a { color: inherit; text-decoration: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}`

export const style: string = [colours, text, page, parts, chartStyle, conformanceStyle, paper].join(
  '',
)
