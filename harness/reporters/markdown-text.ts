import { visible } from './text.ts'

/** A table of texts in which nothing is markup. */
export function table(
  head: readonly string[],
  alignment: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(inline).join(' | ')} |`
  return [line(head), `| ${alignment.join(' | ')} |`, ...rows.map(line)].join('\n')
}

/** Text in which nothing is Markdown or HTML, on one line. */
export function inline(text: string): string {
  return visible(text)
    .replaceAll(/[\\`*_{}[\]<>#|~@&!$]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replaceAll(/\s*\n\s*/g, ' ')
}

/** A code block whose fence is longer than any run of backticks in it. */
export function fenced(text: string, language: string = 'text'): string {
  const shown = visible(text).trimEnd()
  const longest = Math.max(0, ...(shown.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(Math.max(3, longest + 1))
  return `${fence}${language}\n${shown}\n${fence}`
}
