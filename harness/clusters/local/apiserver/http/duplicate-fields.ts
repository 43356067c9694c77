/**
 * Finds fields that an object of a JSON text names twice, as strict decoding reports them: JSON.parse keeps the last
 * and says nothing.
 * @param text - JSON that is known to parse
 * @returns e.g. `duplicate field "spec.ports[0].port"`, each once
 */
export function duplicateFields(text: string): readonly string[] {
  const found = new Set<string>()
  const stack: Frame[] = []
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs
  let pendingKey: string | undefined
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [word] = match
    const frame = stack.at(-1)
    if (word === '{') stack.push({ names: new Set(), index: -1, name: undefined })
    else if (word === '[') stack.push({ names: undefined, index: 0, name: undefined })
    else if (word === '}' || word === ']') stack.pop()
    else if (word === ',' && frame?.names === undefined && frame !== undefined) frame.index += 1
    else if (word === ':' && frame?.names !== undefined && pendingKey !== undefined) {
      frame.name = pendingKey
      if (frame.names.has(pendingKey)) found.add(`duplicate field "${pathOf(stack)}"`)
      frame.names.add(pendingKey)
    }
    pendingKey = word.startsWith('"') ? decodeString(word) : undefined
  }
  return [...found]
}

interface Frame {
  /** Of an object; undefined for an array. */
  readonly names: Set<string> | undefined
  name: string | undefined
  index: number
}

function pathOf(stack: readonly Frame[]): string {
  return stack
    .map((frame) => (frame.names === undefined ? `[${frame.index}]` : `.${frame.name ?? ''}`))
    .join('')
    .slice(1)
}

function decodeString(literal: string): string {
  return literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1)
}
