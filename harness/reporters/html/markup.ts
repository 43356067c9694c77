import { visible } from '../text.ts'

/** A piece of HTML that needs no more escaping. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Part = Markup | string | number | undefined | false | readonly Part[]

/** Builds HTML: whatever is put in is escaped, unless it is Markup itself. Lists are joined, undefined and false are nothing. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.reduce((text, piece, at) => text + rendered(parts[at - 1]) + piece))
}

function rendered(part: Part): string {
  if (part instanceof Markup) return part.text
  if (part === undefined || part === false) return ''
  if (typeof part === 'string') return escaped(part)
  if (typeof part === 'number') return String(part)
  return part.map(rendered).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** For text and for quoted attribute values. */
function escaped(text: string): string {
  return visible(text).replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** Prose in which backticks enclose code, as the catalogue writes it. */
export function prose(text: string): Markup {
  const pieces = text.split('`')
  // why: an odd mark encloses nothing
  if (pieces.length % 2 === 0) return markup`${text}`
  return markup`${pieces.map((piece, at) => (at % 2 === 0 ? piece : markup`<code>${piece}</code>`))}`
}
