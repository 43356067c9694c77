/** Rows of the conformance suite, their matrix and the filter. */
export const conformanceStyle = `
[hidden] { display: none !important; }
.s-error, .s-flaky, .s-knownIssue { --tone: var(--warn); --tone-soft: var(--warn-soft); }
.s-notSupported { --tone: var(--muted); --tone-soft: var(--plain-soft); }
.share { display: inline-grid; grid-template-columns: auto 4.5rem; gap: 0 .7rem; align-items: center; }
.share strong { font-weight: 600; white-space: nowrap; min-width: 4.6rem; }
.share small { grid-column: 1 / -1; color: var(--tone); font-size: .8125rem; }
.share.s-passed small { color: var(--muted); }
progress { appearance: none; -webkit-appearance: none; border: 0; width: 100%; height: .35rem; border-radius: 99px; background: var(--plain-soft); overflow: hidden; }
progress::-webkit-progress-bar { background: var(--plain-soft); }
progress::-webkit-progress-value { background: var(--tone); }
progress::-moz-progress-bar { background: var(--tone); }
.profile { margin-top: 2.25rem; }
.profile > .meta { margin: .2rem 0 .7rem; }
.rows { border-top: 1px solid var(--line); }
.row { border-bottom: 1px solid var(--line); scroll-margin-top: 1rem; }
.row:target { background: var(--accent-soft); }
.row summary { display: grid; grid-template-columns: 1.25rem 8.6rem minmax(0, 1fr) 4.2rem 6rem 4.4rem .7rem; gap: 0 .8rem; align-items: baseline; width: 100%; padding: .55rem 0; color: var(--ink); list-style: none; font-size: .9375rem; line-height: 1.4; }
.row summary::-webkit-details-marker { display: none; }
.row summary:hover .what { color: var(--accent); }
.row summary .id { overflow-wrap: normal; }
.row summary::after { content: "▸"; color: var(--muted); font-size: .75rem; }
.row details[open] > summary::after { content: "▾"; }
.row details:not([open]) .why { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; line-clamp: 2; overflow: hidden; }
.row .glyph { width: 1.1rem; height: 1.1rem; align-self: start; margin-top: .1rem; }
.row .why { display: block; color: var(--muted); font-size: .875rem; overflow-wrap: anywhere; }
.row .level, .row .took { color: var(--muted); font-size: .8125rem; }
.row .state { color: var(--tone); font-weight: 600; font-size: .8125rem; }
.row .took { text-align: right; white-space: nowrap; }
.row.s-passed .state { font-weight: 400; }
.tick::before { content: "✓"; font-style: normal; color: var(--good); }
.row .outcome { margin: .1rem 0 1.1rem 2.05rem; }
.row .outcome > div { grid-template-columns: 6.2rem minmax(0, 1fr); }
.row .outcome .command { background: var(--sunken); padding: .35rem .6rem; border-radius: 6px; }
.group, .rest { margin-top: .7rem; }
.rest { margin-top: 2rem; }
.group > summary, .rest > summary { font-size: .9rem; }
.filter { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; margin-top: 2rem; padding: .8rem 1rem; background: var(--sunken); border-radius: 10px; font-size: .875rem; }
.filter label { display: grid; gap: .15rem; color: var(--muted); font-size: .8125rem; }
.filter label:nth-child(3) { flex: 1 1 12rem; }
.filter :is(select, input) { font: inherit; font-size: .9rem; color: var(--ink); background: var(--surface); border: 1px solid var(--line); border-radius: 6px; padding: 0 .5rem; height: 2.1rem; min-width: 0; width: 100%; }
.filter p { flex: 0 0 auto; min-width: 7rem; padding-bottom: .35rem; color: var(--muted); }
.matrix { margin-top: 1.5rem; }
.matrix th[scope=row] { min-width: 14rem; max-width: 24rem; font-weight: 400; }
.matrix td { white-space: nowrap; }
.matrix tbody th, .matrix thead th:first-child { position: sticky; left: 0; background: var(--page); }
.matrix th code + .level { color: var(--muted); font-size: .8125rem; margin-left: .4rem; }
.matrix thead th { min-width: 7.5rem; }
.matrix td a { color: inherit; }
.matrix td.ok { color: var(--muted); }
.matrix td.ok::before { content: "✓ "; color: var(--good); }
@media screen and (max-width: 44rem) {
  .row summary { grid-template-columns: 1.25rem minmax(0, 1fr) auto auto .6rem; gap: 0 .6rem; }
  .row summary > :first-child { grid-area: 1 / 1; }
  .row summary .id { grid-area: 1 / 2; }
  .row .level { grid-area: 1 / 3; }
  .row .state { grid-area: 1 / 4; }
  .row .what { grid-area: 2 / 2 / 3 / 6; }
  .row summary::after { grid-area: 1 / 5; }
  .row .took { display: none; }
  .row .outcome { margin-left: 1.85rem; }
  .row .outcome > div { grid-template-columns: minmax(0, 1fr); }
  .share { grid-template-columns: auto; }
  .share progress { width: 3rem; }
  .share strong { min-width: 0; }
  .filter label:nth-child(3) { flex-basis: 9rem; }
  .matrix th[scope=row] { min-width: 9.5rem; max-width: 9.5rem; font-size: .8125rem; }
  .matrix thead th { min-width: 6rem; }
}
@media print {
  .filter { display: none; }
  .row.s-passed .outcome, .row.s-notSupported .outcome { display: none; }
  .row { break-inside: avoid; }
  .row summary::after, .row details[open] > summary::after { content: none; }
  .row details:not([open]) .why { display: block; }
  .row summary { grid-template-columns: 1.25rem 7.6rem minmax(0, 1fr) 3.6rem 5.4rem 3.8rem; font-size: 8.5pt; padding: .2rem 0; }
  .row :is(.why, .outcome, .level, .state, .took), .share small, .profile > .meta, .group > summary { font-size: 8pt; }
  .matrix td, .matrix thead th { white-space: normal; min-width: 0; }
  .matrix th[scope=row] { min-width: 0; }
}`
