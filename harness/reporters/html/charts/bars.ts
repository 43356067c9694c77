import { max } from 'd3-array'
import { scaleLinear } from 'd3-scale'
import { number, quantity, unitText } from '../../format.ts'
import { shortened } from '../../text.ts'
import { markup, type Markup } from '../markup.ts'
import { chart, dot, px, width, xAxis } from './chart.ts'

export interface Bar {
  readonly label: string
  readonly arm: 'direct' | 'target'
  readonly value: number | undefined
  /** Single trials, drawn as dots under the bar. */
  readonly dots: readonly { readonly value: number; readonly tip: string }[]
}

export interface BarsInit {
  readonly id: string
  readonly title: string
  readonly unit: string
  /** Said at the axis: `left is better`. */
  readonly better?: string
  readonly bars: readonly Bar[]
}

const rowHeight = 26
const dotsHeight = 18
const gap = 10
const maxLabelLength = 44

/** Horizontal bars from zero, each with the trials it is the median of. */
export function bars({ id, title, unit, better, bars: all }: BarsInit): Markup {
  const highest = max(all.flatMap((bar) => [bar.value ?? 0, ...bar.dots.map(({ value }) => value)]))
  const x = scaleLinear(
    [0, highest === undefined || highest === 0 ? 1 : highest],
    [0, width - 4],
  ).nice(4)
  let y = 0
  const rows = all.map((bar) => {
    const row = drawBar(bar, y, x, unit)
    y += rowHeight + 10 + (bar.dots.length > 0 ? dotsHeight : 0) + gap
    return row
  })
  return chart({
    id,
    title,
    description: all
      .map((bar) => `${bar.label}: ${quantity(bar.value, unit)}${trialsText(bar, unit)}`)
      .join('; '),
    height: y + 38,
    content: [
      xAxis({
        y,
        top: 0,
        ticks: x.ticks(4).map((tick) => ({ x: x(tick), label: number(tick) })),
        caption: [unitText(unit), ...(better === undefined ? [] : [better])].join(', '),
      }),
      rows,
    ],
  })
}

function drawBar(bar: Bar, y: number, x: (value: number) => number, unit: string): Markup {
  const value = bar.value
  return markup`<text class="label" x="0" y="${px(y + 15)}">${shortened(bar.label, maxLabelLength)}</text>
<text class="value" x="${width}" y="${px(y + 15)}" text-anchor="end">${quantity(value, unit)}</text>
${
  value !== undefined &&
  markup`<rect class="bar ${bar.arm}" x="0" y="${px(y + rowHeight - 4)}" width="${px(Math.max(1, x(value)))}" height="13" rx="2"/>`
}${bar.dots.map((one) =>
    dot({ x: x(one.value), y: y + rowHeight + dotsHeight, arm: bar.arm, tip: one.tip }),
  )}
`
}

function trialsText({ dots }: Bar, unit: string): string {
  const values = dots.map(({ value }) => value)
  return values.length === 0
    ? ''
    : ` (trials from ${number(Math.min(...values))} to ${quantity(Math.max(...values), unit)})`
}
