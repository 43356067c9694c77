import { extent } from 'd3-array'
import { scaleLinear } from 'd3-scale'
import type { PairedEffect } from '../../../model/run-result.ts'
import { effectText, intervalText, percent, signed } from '../../format.ts'
import { markup, type Markup } from '../markup.ts'
import { chart, dot, px, width, xAxis } from './chart.ts'

const left = 52
const right = 14
const top = 22

/** One dot per pair, one row each, and below them the estimate with its interval: what the verdict rests on. */
export function pairs(
  id: string,
  effect: PairedEffect,
  better: 'lower' | 'higher',
  what: string = compared(effect),
): Markup {
  const neutral = effect.kind === 'ratio' ? 1 : 0
  const [low = 0, high = 1] = extent([
    neutral,
    ...effect.pairs,
    ...(effect.interval ?? []),
    effect.estimate,
  ])
  const spread = high - low || Math.abs(neutral) || 1
  const x = scaleLinear([low - spread * 0.06, high + spread * 0.06], [left, width - right])
  const rowHeight = effect.pairs.length > 12 ? 12 : 18
  const rowsEnd = top + effect.pairs.length * rowHeight
  const summaryY = rowsEnd + 16
  const axisY = summaryY + 16
  return chart({
    id,
    title: `Pair by pair: ${effect.metric}`,
    description: `${effect.pairs.length} pairs: ${effect.pairs.map((pair) => effectText(pair, effect)).join(', ')}. Estimate ${effectText(effect.estimate, effect)}, interval ${intervalText(effect)} at ${percent(effect.confidence)} confidence.`,
    height: axisY + 38,
    content: [
      xAxis({
        y: axisY,
        top,
        ticks: x.ticks(5).map((tick) => ({ x: x(tick), label: tickText(tick, effect) })),
        caption: `${what}; ${better === 'lower' ? 'left' : 'right'} is better`,
      }),
      effect.interval !== undefined && band(effect.interval, x, rowsEnd),
      markup`<path class="neutral" d="M${px(x(neutral))} ${top - 4}V${px(axisY)}"/><text class="caption" x="${px(x(neutral))}" y="${top - 9}" text-anchor="${neutralAnchor(x(neutral))}">${effect.kind === 'ratio' ? 'same rate' : 'no difference'}</text>
`,
      effect.pairs.map((pair, at) => {
        const y = top + (at + 0.5) * rowHeight
        return [
          markup`<text class="row" x="0" y="${px(y + 4)}">${at === 0 ? 'pair 1' : String(at + 1)}</text>`,
          dot({ x: x(pair), y, arm: 'target', tip: `pair ${at + 1}: ${effectText(pair, effect)}` }),
        ]
      }),
      summary(effect, x, summaryY),
    ],
  })
}

type Scale = (value: number) => number

function band([low, high]: readonly [number, number], x: Scale, end: number): Markup {
  return markup`<rect class="band" x="${px(x(low))}" y="${top}" width="${px(Math.max(1, x(high) - x(low)))}" height="${px(end - top)}"/>
`
}

/** The estimate as a diamond on its interval. */
function summary(effect: PairedEffect, x: Scale, y: number): Markup {
  const at = x(effect.estimate)
  const [low, high] = effect.interval ?? []
  return markup`<text class="row strong" x="0" y="${px(y + 4)}">overall</text>
${
  low !== undefined &&
  high !== undefined &&
  markup`<path class="whisker" d="M${px(x(low))} ${px(y - 5)}V${px(y + 5)}M${px(x(low))} ${px(y)}H${px(x(high))}M${px(x(high))} ${px(y - 5)}V${px(y + 5)}"/>`
}<path class="diamond" d="M${px(at - 7)} ${px(y)}L${px(at)} ${px(y - 7)}L${px(at + 7)} ${px(y)}L${px(at)} ${px(y + 7)}Z"><title>estimate ${effectText(effect.estimate, effect)}</title></path>
`
}

function neutralAnchor(x: number): 'start' | 'middle' | 'end' {
  return x < left + 40 ? 'start' : x > width - right - 40 ? 'end' : 'middle'
}

function tickText(tick: number, { kind }: PairedEffect): string {
  return kind === 'ratio' ? `${Number(tick.toPrecision(4))}×` : signed(tick)
}

function compared({ kind, unit }: PairedEffect): string {
  return kind === 'ratio'
    ? 'target over direct'
    : `target minus direct, ${unit === 'us' ? 'µs' : unit}`
}
