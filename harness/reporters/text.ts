/**
 * Text of unknown origin as a document can hold it: control characters become their visible pictures (ESC becomes
 * U+241B), lone surrogates and noncharacters the replacement character. Line ends become `\n`; tabs stay.
 */
export function visible(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F]/g, picture)
    .replaceAll(/[\u0080-\u009F\uFFFE\uFFFF]|\p{Surrogate}/gu, '\uFFFD')
}

function picture(character: string): string {
  return character === '\u007F' ? '\u2421' : String.fromCharCode(0x24_00 + character.charCodeAt(0))
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
