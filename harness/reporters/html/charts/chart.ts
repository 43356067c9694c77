import { markup, type Markup, type Part } from '../markup.ts'

/** Width of every chart in its own units: about the pixels it has on a phone, so that text stays readable there. */
export const width = 400

export interface ChartInit {
  /** Unique in the document. */
  readonly id: string
  /** What a screen reader says first. */
  readonly title: string
  /** What the picture shows, in words and numbers. */
  readonly description: string
  readonly height: number
  readonly content: Part
}

/** A picture that is also text: title and description are read out, the numbers stand in a table nearby. */
export function chart({ id, title, description, height, content }: ChartInit): Markup {
  return markup`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-t ${id}-d">
<title id="${id}-t">${title}</title><desc id="${id}-d">${description}</desc>
${content}</svg>
`
}

/** Coordinates with a tenth of a unit: finer is invisible and only makes the file larger. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10)
}

export interface Mark {
  readonly x: number
  readonly y: number
  readonly arm: 'direct' | 'target'
  /** Shown when the pointer rests on it. */
  readonly tip: string
}

/** Direct arms are rings, target arms are discs: told apart without colour. */
export function dot({ x, y, arm, tip }: Mark): Markup {
  return markup`<circle class="dot ${arm}" cx="${px(x)}" cy="${px(y)}" r="3.4"><title>${tip}</title></circle>`
}

export interface AxisInit {
  readonly y: number
  readonly ticks: readonly { readonly x: number; readonly label: string }[]
  /** Grid lines reach up to here. */
  readonly top: number
  readonly caption: string
}

/** A horizontal axis with light grid lines and its caption below. */
export function xAxis({ y, ticks, top, caption }: AxisInit): Markup {
  return markup`<g class="axis">${ticks.map(
    ({ x, label }) =>
      markup`<path class="grid" d="M${px(x)} ${px(top)}V${px(y)}"/><text x="${px(x)}" y="${px(y + 15)}" text-anchor="${x > width - 24 ? 'end' : x < 12 ? 'start' : 'middle'}">${label}</text>`,
  )}<text class="caption" x="${width}" y="${px(y + 32)}" text-anchor="end">${caption}</text></g>
`
}
