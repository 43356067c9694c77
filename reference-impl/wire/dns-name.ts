/** Domain names as lists of labels, without the root: `['web', 'default', 'svc']`. */
export type Name = readonly string[]

const maxNameBytes = 255
const maxLabelBytes = 63

/** Labels of a name in text form; no escapes. A dot at the end makes no difference. */
export function nameOf(text: string): Name {
  return text
    .toLowerCase()
    .split('.')
    .filter((label) => label !== '')
}

/** True when the name can be written to a message (RFC 1035 §2.3.4). */
export function isEncodable(name: Name): boolean {
  let size = 1
  for (const label of name) {
    if (label.length === 0 || label.length > maxLabelBytes) return false
    size += label.length + 1
  }
  return size <= maxNameBytes
}

/** Whether the last labels of `name` are those of `suffix`. */
export function endsWith(name: Name, suffix: Name): boolean {
  const skipped = name.length - suffix.length
  if (skipped < 0) return false
  for (let i = 0; i < suffix.length; i += 1) if (name[skipped + i] !== suffix[i]) return false
  return true
}

/**
 * Offset just past an uncompressed name (RFC 1035 §3.1), as a question has it.
 * @returns -1 when the name is cut, too long, or holds a pointer or a reserved label type
 */
export function skipPlainName(message: Uint8Array, at: number): number {
  let next = at
  for (;;) {
    if (next >= message.length) return -1
    const length = message[next] as number
    next += 1
    if (length === 0) return next - at > maxNameBytes ? -1 : next
    if (length > maxLabelBytes) return -1
    next += length
  }
}

/**
 * Offset just past a name that may end in a pointer (RFC 1035 §4.1.4); the pointer is not followed.
 * @returns -1 when the name is cut or holds a reserved label type
 */
export function skipName(message: Uint8Array, at: number): number {
  let next = at
  for (;;) {
    if (next >= message.length) return -1
    const length = message[next] as number
    if (length === 0) return next + 1
    if (length >= 0xc0) return next + 2 > message.length ? -1 : next + 2
    if (length > maxLabelBytes) return -1
    next += 1 + length
  }
}

/**
 * Reads a possibly compressed name (RFC 1035 §4.1.4), lower-cased (RFC 4343).
 * @returns undefined when it is malformed: cut, too long, or a pointer that does not point strictly backwards (loop
 * protection)
 */
export function readName(message: Buffer, at: number): Name | undefined {
  const labels: string[] = []
  let next = at
  let limit = message.length
  let size = 1
  for (;;) {
    if (next >= limit) return undefined
    const length = message[next] as number
    if (length === 0) return labels
    if (length >= 0xc0) {
      if (next + 2 > message.length) return undefined
      const target = ((length & 0x3f) << 8) | (message[next + 1] as number)
      if (target >= next || target >= at) return undefined
      at = target
      limit = next
      next = target
      continue
    }
    if (length > maxLabelBytes) return undefined
    const end = next + 1 + length
    size += length + 1
    if (end > limit || size > maxNameBytes) return undefined
    labels.push(lowerCase(message.toString('latin1', next + 1, end)))
    next = end
  }
}

/** Only ASCII letters have a case in names (RFC 4343 §3). */
function lowerCase(label: string): string {
  return /[A-Z]/.test(label) ? label.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : label
}
