import { connect, type Socket } from 'node:net'
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import { seeded } from '../../../scenarios/conformance/support/dns-packets.ts'
import { getRequest } from '../../../scenarios/conformance/support/http1.ts'
import { firstLine, hostileMessage, opaque, type Reading, strictReading } from './hostile-http.ts'

/*
 * Sends hostile HTTP messages to a Service with one backend, one connection each, and after each a plain GET of somebody
 * else. What reached the backend is compared with what a strict server reads in the messages. Prints a line after each
 * batch.
 */

export interface HttpSending {
  readonly host: string
  readonly port: number
  /** Where the backend tells what it saw. */
  readonly backend: string
  readonly controlPort: number
  readonly messages: number
  readonly seed: number
}

export interface HttpSent {
  readonly sent: number
  /** Answers to messages, by their status; `none` for connections that ended or stayed without one. */
  readonly answers: Readonly<Record<string, number>>
  /** Requests at the backend. */
  readonly arrived: number
  /** Of the plain GETs, those that came on a connection that had carried a hostile message before. */
  readonly behindHostile: number
  /** Messages in which everybody has to read two requests, and those of which both arrived. */
  readonly pairs: number
  readonly pairsArrived: number
  readonly gets: number
  /** GETs that did not get their own answer; the first few, and how many. */
  readonly wrong: Told
  /** Requests at the backend that no message has. */
  readonly surplus: Told
  /** Requests at the backend that are none after RFC 9112. */
  readonly malformed: Told
}

export interface Told {
  count: number
  readonly first: string[]
}

interface Arrived {
  readonly head: string
  readonly connection: number
  readonly complete: boolean
  readonly malformed?: string
}

const batch = 240
const workers = 4
const shown = 3
/** An answer that everybody has to give. */
const answerMs = 5_000
/** An answer that may not come: what is sent may be half a message. */
const perhapsMs = 100
/** After the last answer that is expected: time for one that is not. */
const quietMs = 10

const init = JSON.parse(process.argv[2] ?? '{}') as HttpSending
const random = seeded(init.seed)
const answers: Record<string, number> = {}
const counts = { sent: 0, arrived: 0, behindHostile: 0, pairs: 0, pairsArrived: 0, gets: 0 }
const wrong: Told = { count: 0, first: [] }
const surplus: Told = { count: 0, first: [] }
const malformed: Told = { count: 0, first: [] }
/** How often each request may still arrive. */
const allowed = new Map<string, number>()
/** Connections of the backend that have carried a hostile message. */
const tainted = new Set<number>()

await asked(init.backend, init.controlPort, postReset())
while (counts.sent < init.messages) {
  const size = Math.min(batch, init.messages - counts.sent)
  const pairs: (readonly [string, string])[] = []
  const numbers = Array.from({ length: size }, (_, index) => counts.sent + index)
  const made = numbers.map((number) => {
    const word = `w${init.seed}x${number}x`
    return {
      word,
      bytes: hostileMessage(number, word, random),
      pieces: 1 + Math.floor(random() * 3),
    }
  })
  const worker = async (): Promise<void> => {
    for (let one = made.shift(); one !== undefined; one = made.shift()) {
      const reading = await strictReading(one.bytes)
      for (const line of [...reading.whole, ...(reading.rest === undefined ? [] : [reading.rest])])
        allow(line)
      const [first, second] = reading.whole
      if (first !== undefined && second !== undefined) pairs.push([first, second])
      await play(one.bytes, one.pieces, reading)
      await after(one.word)
    }
  }
  await Promise.all(Array.from({ length: workers }, worker))
  counts.sent += size
  compare(await seen(), pairs)
  process.stdout.write(`${JSON.stringify({ ...counts, answers, wrong, surplus, malformed })}\n`)
}

function allow(line: string): void {
  allowed.set(line, (allowed.get(line) ?? 0) + 1)
}

function note(told: Told, text: string): void {
  told.count += 1
  if (told.first.length < shown) told.first.push(text)
}

/** Sends one message and waits as long as something may come of it. */
async function play(bytes: Buffer, pieces: number, reading: Reading): Promise<void> {
  const socket = await dialled()
  const heard = listen(socket)
  const step = Math.ceil(bytes.length / pieces)
  for (let at = 0; at < bytes.length; at += step) {
    socket.write(bytes.subarray(at, at + step))
    await turn()
  }
  const wanted = reading.whole.length + (reading.ends && reading.rest !== undefined ? 1 : 0)
  await heard.until(wanted, wanted === 0 ? perhapsMs : answerMs)
  await heard.until(wanted + 1, quietMs)
  const statuses = heard.statuses()
  for (const status of statuses.length === 0 ? ['none'] : statuses)
    answers[status] = (answers[status] ?? 0) + 1
  socket.destroy()
}

async function after(word: string): Promise<void> {
  const path = `/after/${word}`
  allow(`GET ${path}`)
  counts.gets += 1
  const text = await asked(init.host, init.port, getRequest(path, 'Connection: close'))
  const [head = '', body = ''] = text.split('\r\n\r\n')
  if (head.startsWith('HTTP/1.1 200') && headOf(body) === `GET ${path}`) return
  note(wrong, `${path}: ${JSON.stringify(text.slice(0, 60))}`)
}

/** Method and target of the request that a backend's answer tells of. */
function headOf(body: string): string | undefined {
  try {
    const { head } = JSON.parse(body) as Pick<Arrived, 'head'>
    return firstLine(Buffer.from(head, 'base64'))
  } catch {
    return undefined
  }
}

/** What arrived since the last look. @throws Error when the backend has forgotten some of it */
async function seen(): Promise<readonly Arrived[]> {
  const path = '/seen?only=requests&last=5000'
  const text = await asked(init.backend, init.controlPort, getRequest(path, 'Connection: close'))
  await asked(init.backend, init.controlPort, postReset())
  const { requests, dropped } = JSON.parse(unchunked(text)) as {
    readonly requests: readonly Arrived[]
    readonly dropped: { readonly requests: number }
  }
  if (dropped.requests > 0)
    throw new Error(`the backend has forgotten ${dropped.requests} requests of a batch`)
  return requests
}

function compare(
  requests: readonly Arrived[],
  pairs: readonly (readonly [string, string])[],
): void {
  const lines = new Set<string>()
  for (const { head, connection, malformed: why } of requests) {
    const line = firstLine(Buffer.from(head, 'base64'))
    lines.add(line)
    counts.arrived += 1
    if (line.startsWith('GET /after/')) counts.behindHostile += tainted.has(connection) ? 1 : 0
    else tainted.add(connection)
    if (why !== undefined && !opaque.test(line)) note(malformed, `${line}: ${why}`)
    const left = allowed.get(line) ?? 0
    if (left > 0) allowed.set(line, left - 1)
    else note(surplus, JSON.stringify(line))
  }
  counts.pairs += pairs.length
  counts.pairsArrived += pairs.filter(([one, other]) => lines.has(one) && lines.has(other)).length
}

async function dialled(): Promise<Socket> {
  const socket = connect({ host: init.host, port: init.port, noDelay: true })
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve)
    socket.once('error', () => resolve())
  })
  socket.on('error', () => undefined)
  return socket
}

interface Heard {
  readonly statuses: () => readonly string[]
  /** Waits for so many answers, the end of the connection, or the time. */
  readonly until: (answers: number, withinMs: number) => Promise<void>
}

function listen(socket: Socket): Heard {
  let text = ''
  let ended = socket.destroyed
  let wake = (): void => undefined
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    wake()
  })
  socket.on('close', () => {
    ended = true
    wake()
  })
  socket.on('end', () => {
    ended = true
    wake()
  })
  // why: a backend tells of a request in JSON, with its bytes in base64: no status line can be in it
  const statuses = (): readonly string[] =>
    [...text.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g)].map(([, status = '']) => status)
  return {
    statuses,
    until: async (count, withinMs) => {
      const late = new AbortController()
      const timer = delay(withinMs, 'late', { signal: late.signal }).catch(() => 'late')
      while (!ended && statuses().length < count) {
        const woken = new Promise<string>((resolve) => {
          wake = () => resolve('woken')
        })
        if ((await Promise.race([woken, timer])) === 'late') break
      }
      late.abort()
    },
  }
}

/** One request on a connection of its own: everything that came until its end, or `no answer`. */
async function asked(host: string, port: number, request: string): Promise<string> {
  const socket = connect({ host, port, noDelay: true })
  const pieces: Buffer[] = []
  socket.setTimeout(answerMs, () => socket.destroy())
  socket.on('error', () => undefined)
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(request)
  await closed
  return Buffer.concat(pieces).toString('latin1')
}

function postReset(): string {
  return 'POST /reset HTTP/1.1\r\nHost: backend\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
}

/** The JSON in an answer of a backend's control port, whose coding is chunked or none: it is one line. */
function unchunked(text: string): string {
  const at = text.indexOf('\r\n\r\n')
  const [head, body] = [text.slice(0, at), text.slice(at + 4)]
  if (!/transfer-encoding: chunked/i.test(head)) return body
  let json = ''
  for (let from = 0; from < body.length;) {
    const lineEnd = body.indexOf('\r\n', from)
    const size = Number.parseInt(body.slice(from, lineEnd), 16)
    json += body.slice(lineEnd + 2, lineEnd + 2 + size)
    from = lineEnd + 4 + size
    if (!(size > 0)) break
  }
  return json
}
