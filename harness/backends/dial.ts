import { connect } from 'node:net'
import { BehaviourProblem } from './parse-behaviour.ts'

/** What a backend saw as a client. */
export interface Dialled {
  /** The first line of each answer, in order. */
  readonly answers: readonly string[]
  /** Error codes of the operating system, `closed`, `timed-out`, and how often each came. */
  readonly failures: Readonly<Record<string, number>>
}

const mostConnections = 1_000

/** Bounds one connection, from connecting to its first line. */
const connectionMs = 3_000

/**
 * Connects from this pod, one connection after the other, and reads the line that a server which speaks first says.
 * @param fields - `host` (a literal address), `port`, and `times`, 1 unless told
 * @throws BehaviourProblem
 */
export async function dial(fields: Readonly<Record<string, unknown>>): Promise<Dialled> {
  const { host, port, times = 1 } = fields
  if (typeof host !== 'string') throw new BehaviourProblem('host: want an address')
  if (typeof port !== 'number') throw new BehaviourProblem('port: want a number')
  if (typeof times !== 'number' || times < 1 || times > mostConnections)
    throw new BehaviourProblem(`times: want 1 to ${mostConnections}`)
  const answers: string[] = []
  const failures: Record<string, number> = {}
  for (let left = times; left > 0; left -= 1) {
    const said = await firstLine(host, port)
    if ('answer' in said) answers.push(said.answer)
    else failures[said.failure] = (failures[said.failure] ?? 0) + 1
  }
  return { answers, failures }
}

type Said = { readonly answer: string } | { readonly failure: string }

function firstLine(host: string, port: number): Promise<Said> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host, port })
    const done = (said: Said): void => {
      socket.destroy()
      resolve(said)
    }
    socket.setTimeout(connectionMs, () => {
      done({ failure: 'timed-out' })
    })
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const [line, ...rest] = text.split('\n')
      if (rest.length > 0) done({ answer: line ?? '' })
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      done({ failure: error.code ?? error.message })
    })
    socket.on('close', () => {
      done({ failure: 'closed' })
    })
  })
}
