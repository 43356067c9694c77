import { max, min, range } from 'd3-array'
import { scaleLinear, scaleLog } from 'd3-scale'
import { line } from 'd3-shape'
import { number, quantity } from '../../format.ts'
import { highestShare, quantileUs, valueAt, type Distribution } from '../distribution.ts'
import { markup, type Markup } from '../markup.ts'
import { chart, px, width, xAxis } from './chart.ts'

export interface Curve {
  readonly arm: 'direct' | 'target'
  readonly label: string
  /** Samples of all valid trials. */
  readonly all: Distribution
  readonly trials: readonly Distribution[]
}

const left = 44
const right = 12
const top = 24
const bottom = 270

/** Points of a curve: enough for a smooth line at this size. */
const points = 64

/** From this ratio of slowest to fastest on, the vertical axis is logarithmic. */
const logFrom = 12

/** From this time on, the axis counts milliseconds. */
const millisecondsFromUs = 20_000

const marks = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999]

/** Response time over the share of requests answered within it; high shares are stretched by log(1 / (1 - share)). */
export function latencyCurve(id: string, title: string, curves: readonly Curve[]): Markup {
  const reach = Math.max(0.5, ...curves.map(({ all }) => highestShare(all)))
  const x = scaleLinear([0, stretch(reach)], [left, width - right])
  const every = curves.flatMap(({ all, trials }) => [all, ...trials])
  const lowest = min(every, (one) => valueAt(one, 0)) ?? 1
  const highest = max(every, (one) => valueAt(one, Math.min(reach, highestShare(one)))) ?? 1
  const isLog = highest / Math.max(1, lowest) > logFrom
  const y = isLog
    ? scaleLog([Math.max(1, lowest * 0.85), highest * 1.1], [bottom, top])
    : scaleLinear([0, highest], [bottom, top]).nice(5)
  const perUnit = highest >= millisecondsFromUs ? 1000 : 1
  const path = (one: Distribution): string => curvePath(one, x, y)
  return chart({
    id,
    title,
    description: curves.map(described).join('; '),
    height: bottom + 38,
    content: [
      xAxis({
        y: bottom,
        top,
        ticks: marks
          .filter((share) => share <= reach)
          .map((share) => ({
            x: x(stretch(share)),
            label: share === 0 ? 'min' : `${Number((share * 100).toFixed(3))} %`,
          })),
        caption: 'share of requests answered within this time',
      }),
      yAxis(isLog ? logTicks(y.domain()) : y.ticks(5), y, perUnit, isLog),
      curves.map(({ arm, trials }) =>
        trials.map((one) => markup`<path class="trial ${arm}" d="${path(one)}"/>`),
      ),
      curves.map(({ arm, all }) => markup`<path class="line ${arm}" d="${path(all)}"/>`),
    ],
  })
}

function stretch(share: number): number {
  return Math.log10(1 / (1 - share))
}

function curvePath(
  one: Distribution,
  x: (stretched: number) => number,
  y: (us: number) => number,
): string {
  const reach = stretch(highestShare(one))
  const draw = line<number>(
    (stretched) => x(stretched),
    (stretched) => y(Math.max(1, valueAt(one, 1 - 10 ** -stretched))),
  ).digits(1)
  return draw(range(points + 1).map((at) => (at / points) * reach)) ?? ''
}

function yAxis(
  ticks: readonly number[],
  y: (us: number) => number,
  perUnit: number,
  isLog: boolean,
): Markup {
  return markup`<g class="axis">${ticks.map(
    (tick) =>
      markup`<path class="grid" d="M${left} ${px(y(tick))}H${width - right}"/><text x="${left - 7}" y="${px(y(tick) + 4)}" text-anchor="end">${number(tick / perUnit)}</text>`,
  )}<text class="caption" x="0" y="11">response time, ${perUnit === 1 ? 'µs' : 'ms'}${isLog ? ', logarithmic' : ''}</text></g>
`
}

/** 1, 2 and 5 times each power of ten, thinned to what fits. */
function logTicks([low = 1, high = 10]: readonly number[]): readonly number[] {
  const powers = range(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)) + 1)
  const factors = powers.length > 4 ? [1] : powers.length > 3 ? [1, 3] : [1, 2, 5]
  return powers
    .flatMap((power) => factors.map((factor) => factor * 10 ** power))
    .filter((tick) => tick >= low && tick <= high)
}

function described({ label, all }: Curve): string {
  const at = (share: number): string => quantity(quantileUs(all, share), 'us')
  return `${label}: half within ${at(0.5)}, 90 % within ${at(0.9)}, 99 % within ${at(0.99)}`
}
