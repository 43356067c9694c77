/**
 * Text of unknown origin as a document can hold it: control characters are written out (ESC as `\x1b`), lone
 * surrogates and noncharacters become the replacement character. Line ends become `\n`; tabs stay.
 */
export function visible(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g, writtenOut)
    .replaceAll(/[\uFFFE\uFFFF]|\p{Surrogate}/gu, '\uFFFD')
}

function writtenOut(character: string): string {
  return String.raw`\x` + character.charCodeAt(0).toString(16).padStart(2, '0')
}

/** The first `max` characters, and how many were left out. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text
  return `${text.slice(0, max)}\n… ${text.length - max} more characters in result.json`
}

/** At most `max` characters, with an ellipsis where some are missing. */
export function shortened(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`
}

/** `1 step`, `2 steps`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** Words as a POSIX shell reads them back. */
export function shellLine(words: readonly string[]): string {
  return words
    .map((word) =>
      /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`,
    )
    .join(' ')
}
