import { StringDecoder } from 'node:string_decoder'

/** Lines of a byte stream, parsed as JSON where they parse, to be read once and in order. */
export interface MessageQueue {
  push(chunk: Buffer): void
  close(): void
  readonly messages: AsyncIterable<unknown>
}

export function messageQueue(): MessageQueue {
  const decoder = new StringDecoder('utf8')
  const waiting: unknown[] = []
  let rest = ''
  let closed = false
  let wake = (): void => undefined
  const add = (line: string): void => {
    waiting.push(parsed(line))
  }
  async function* read(): AsyncGenerator {
    for (;;) {
      while (waiting.length > 0) yield waiting.shift()
      if (closed) return
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return {
    push: (chunk) => {
      const lines = (rest + decoder.write(chunk)).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(add)
      wake()
    },
    close: () => {
      if (!closed && rest !== '') add(rest)
      closed = true
      wake()
    },
    messages: read(),
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}
