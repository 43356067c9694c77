import { markup, type Markup, type Part } from './markup.ts'

export interface Column {
  readonly title: string
  /** Numbers stand right, with figures of equal width; prose gets room to flow. */
  readonly kind: 'text' | 'number' | 'prose'
}

export interface TableInit {
  readonly id: string
  readonly caption: Part
  readonly columns: readonly Column[]
  /** The first cell of a row names it. */
  readonly rows: readonly (readonly Part[])[]
}

export const textColumn = (title: string): Column => ({ title, kind: 'text' })
export const proseColumn = (title: string): Column => ({ title, kind: 'prose' })
export const numberColumn = (title: string): Column => ({ title, kind: 'number' })

/** A table that scrolls by itself where the page is narrow; reachable by keyboard for that. */
export function table({ id, caption, columns, rows }: TableInit): Markup {
  const css = (at: number): string =>
    ({ text: 't', number: 'n', prose: 'p' })[columns[at]?.kind ?? 'text']
  const body = rows.map(
    ([first, ...cells]) =>
      markup`<tr><th scope="row" class="${css(0)}">${first}</th>${cells.map((cell, at) => markup`<td class="${css(at + 1)}">${cell}</td>`)}</tr>
`,
  )
  return markup`<div class="scroll" tabindex="0" role="group" aria-labelledby="${id}"><table>
<caption id="${id}"><span>${caption}</span></caption>
<thead><tr>${columns.map((column, at) => markup`<th scope="col" class="${css(at)}">${column.title}</th>`)}</tr></thead>
<tbody>
${body}</tbody></table></div>
`
}

/** Names and values, side by side where there is room. */
export function facts(entries: readonly (readonly [string, Part])[]): Markup {
  return markup`<dl class="facts">
${entries.map(
  ([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>
`,
)}</dl>
`
}
