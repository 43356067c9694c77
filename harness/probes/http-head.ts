/** Status line and header fields of a response, as they came. */
export interface Head {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
}

/**
 * Reads the lines before the body (RFC 9112 sections 4 and 5).
 * @param text - without the empty line that ends it
 * @returns what is wrong, when it cannot be read
 */
export function parseHead(text: string): Head | string {
  const [statusLine = '', ...lines] = text.split('\r\n')
  const match = /^HTTP\/1\.[01] ([1-5]\d\d)(?: .*)?$/.exec(statusLine)
  if (match === null) return `the status line is ${JSON.stringify(statusLine.slice(0, 80))}`
  const headers: (readonly [string, string])[] = []
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line)
    if (field === null) return `a header line is ${JSON.stringify(line.slice(0, 80))}`
    headers.push([field[1] ?? '', field[2] ?? ''])
  }
  return { status: Number(match[1]), headers }
}

/** All values of a field, in the order in which they came. */
export function valuesOf({ headers }: Head, name: string): readonly string[] {
  return headers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
}
