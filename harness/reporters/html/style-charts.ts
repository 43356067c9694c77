/** Pictures: the target in the accent colour and filled, the direct way grey and hollow or dashed. */
export const chartStyle: string = `
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)); gap: 1.75rem 2.5rem; margin-block: 1.25rem 1.5rem; align-items: start; }
@media print, (min-width: 60rem) { .charts.three { grid-template: "bars curve" auto "pairs curve" 1fr / 1fr 1fr; } .charts.three > :nth-child(1) { grid-area: bars; } .charts.three > :nth-child(2) { grid-area: pairs; } .charts.three > :nth-child(3) { grid-area: curve; } }
figure { max-width: 32rem; min-width: 0; }
figcaption { font-size: .875rem; font-weight: 600; margin-bottom: .6rem; text-wrap: pretty; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin-top: 1rem; font-size: .875rem; }
.legend li { display: flex; align-items: center; gap: .55rem; }
.key { width: 34px; height: 12px; flex: none; overflow: visible; }
.chart { display: block; width: 100%; height: auto; overflow: visible; font-size: 12px; fill: var(--ink); }
.chart .axis text, .chart .caption, .chart .row { fill: var(--muted); font-size: 11px; }
.chart .value, .chart .strong { font-weight: 650; fill: var(--ink); }
.chart .grid { stroke: var(--line); stroke-width: 1; fill: none; }
.bar.target { fill: var(--accent); }
.bar.direct { fill: var(--direct); opacity: .55; }
.dot { stroke-width: 1.6; }
.dot.target { fill: var(--accent); stroke: var(--surface); stroke-width: 1; }
.dot.direct { fill: var(--surface); stroke: var(--direct); }
.line { fill: none; stroke-width: 2.4; stroke-linejoin: round; }
.line.target, .trial.target { stroke: var(--accent); }
.line.direct, .trial.direct { stroke: var(--direct); }
.line.direct { stroke-dasharray: 6 4; }
.trial { fill: none; stroke-width: 1; opacity: .28; }
.neutral { stroke: var(--ink); stroke-width: 1.2; fill: none; }
.band { fill: var(--accent-soft); }
.whisker { stroke: var(--accent); stroke-width: 2; fill: none; }
.diamond { fill: var(--accent); stroke: var(--surface); stroke-width: 1; }
.lan { fill: var(--sunken); stroke: var(--line); }
.node { fill: var(--surface); stroke: var(--line); }
.link { stroke: var(--direct); stroke-width: 1.5; fill: none; }
.joint { fill: var(--direct); }`
