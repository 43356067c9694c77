/** Classes of bytes in HTTP/1.1 messages (RFC 9110 §5.6.2, §5.5; RFC 9112 §3.2), one lookup per byte. */

export const tokenByte = 1
export const valueByte = 2
export const targetByte = 4

export const CR = 13
export const LF = 10
export const SP = 32
export const HT = 9
export const COLON = 58
export const COMMA = 44
export const SEMICOLON = 59
export const DQUOTE = 34
export const EQUALS = 61
export const BACKSLASH = 92

/** Bit set of the classes that each byte value belongs to. */
export const byteClass: Uint8Array = classify()

/** Value of an ASCII hexadecimal digit, -1 for anything else. */
export function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 0x20
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** Whether `bytes[from, to)` equals `lower` (ASCII, lower case) without regard to case. */
export function equalsIgnoringCase(
  bytes: Uint8Array,
  from: number,
  to: number,
  lower: Uint8Array,
): boolean {
  if (to - from !== lower.length) return false
  for (let i = 0; i < lower.length; i += 1) {
    let byte = bytes[from + i] as number
    if (byte >= 65 && byte <= 90) byte |= 0x20
    if (byte !== lower[i]) return false
  }
  return true
}

function classify(): Uint8Array {
  const classes = new Uint8Array(256)
  for (const character of "!#$%&'*+-.^_`|~") mark(classes, character.charCodeAt(0), tokenByte)
  for (let byte = 0; byte < 256; byte += 1) {
    const alphanumeric =
      (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
    if (alphanumeric) mark(classes, byte, tokenByte)
    // why: obs-text (0x80-0xff) is opaque data in a field value; raw UTF-8 in a target is passed on as it came
    if (byte === HT || (byte >= SP && byte !== 127)) mark(classes, byte, valueByte)
    if (byte > SP && byte !== 127) mark(classes, byte, targetByte)
  }
  return classes
}

function mark(classes: Uint8Array, byte: number, bit: number): void {
  classes[byte] = (classes[byte] ?? 0) | bit
}
