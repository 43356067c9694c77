import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { patternBytes } from '../model/pattern.ts'
import { byteReader, type ByteReader } from './byte-reader.ts'
import type { BackendContext } from './context.ts'
import { endpoint } from './identity.ts'
import type { StreamRecord } from './journal.ts'
import { PeerGone, write } from './write.ts'

/** A longer first line is no command. */
const longestLineBytes = 100

const pieceBytes = 65_536

interface Conversation {
  readonly socket: Socket
  readonly reader: ByteReader
  /** Takes what has arrived, and counts it. */
  take(): Buffer
  /** `BYTES SHA256` of what was taken, once the peer has ended. */
  result(): string
}

type Command = (conversation: Conversation, argument: number) => Promise<void>

/** What the first line may say; N stands for a number. */
const commands: Readonly<Record<string, Command>> = {
  /** Everything comes back, then FIN. */
  echo: async (conversation) => {
    do await write(conversation.socket, conversation.take())
    while (await conversation.reader.more())
    conversation.socket.end()
  },
  /** Reads to the end, then says how much it was. */
  sink: async (conversation) => {
    await drain(conversation)
    conversation.socket.end(conversation.result())
  },
  /** Sends so many bytes of the pattern, then FIN; reads and counts meanwhile. */
  'source N': async (conversation, count) => {
    const reading = drain(conversation)
    for (let from = 0; from < count; from += pieceBytes)
      await write(conversation.socket, patternBytes(from, Math.min(pieceBytes, count - from)))
    conversation.socket.end()
    await reading
  },
  /** FIN at once, and reads to the end; `seen` has the result. */
  'end-first': async (conversation) => {
    conversation.socket.end()
    await drain(conversation)
  },
  /** RST after so many bytes. */
  'reset-after N': async (conversation, count) => {
    let left = count
    do left -= conversation.take().length
    while (left > 0 && (await conversation.reader.more()))
    conversation.socket.resetAndDestroy()
  },
  /** Never reads again, never writes, never closes. */
  silent: async () => undefined,
  /** A sink that reads no more than so many bytes a second. */
  'slow-sink N': async (conversation, bytesPerSecond) => {
    let taken = 0
    const start = performance.now()
    do {
      taken += conversation.take().length
      const dueMs = (taken / Math.max(1, bytesPerSecond)) * 1000
      await delay(Math.max(0, start + dueMs - performance.now()))
    } while (await conversation.reader.more())
    conversation.socket.end(conversation.result())
  },
}

/** The client speaks first: one line that says what this connection does. Nothing is answered beside that. */
export async function serveCommand(socket: Socket, { journal }: BackendContext): Promise<void> {
  const reader = byteReader(socket)
  const record: StreamRecord = {
    port: socket.localPort ?? 0,
    protocol: 'command',
    peer: endpoint(socket.remoteAddress, socket.remotePort),
    command: '',
    bytes: 0,
    sha256: '',
    ended: 'open',
  }
  journal.streams.add(record, 512)
  const conversation = conversationOf(socket, reader, record)
  socket.on('close', () => {
    record.ended = reader.ended === 'open' ? 'reset' : reader.ended
    conversation.result()
  })
  try {
    const line = await firstLine(reader)
    if (line === undefined) {
      socket.end()
      return
    }
    record.command = line
    const [word = '', argument] = line.split(' ')
    const command = commands[argument === undefined ? word : `${word} N`]
    if (command === undefined || !/^\d{1,15}$/.test(argument ?? '0'))
      socket.end(
        `unknown command ${JSON.stringify(line)}; want ${Object.keys(commands).join(', ')}\n`,
      )
    else await command(conversation, Number(argument ?? 0))
  } catch (error) {
    if (!(error instanceof PeerGone)) throw error
  }
}

function conversationOf(socket: Socket, reader: ByteReader, record: StreamRecord): Conversation {
  const hash = createHash('sha256')
  return {
    socket,
    reader,
    take: () => {
      const piece = reader.take(reader.bytes.length)
      hash.update(piece)
      record.bytes += piece.length
      return piece
    },
    result: () => {
      if (record.sha256 === '') record.sha256 = hash.digest('hex')
      if (record.ended === 'open') record.ended = reader.ended
      return `${record.bytes} ${record.sha256}\n`
    },
  }
}

async function drain(conversation: Conversation): Promise<void> {
  do conversation.take()
  while (await conversation.reader.more())
  conversation.result()
}

async function firstLine(reader: ByteReader): Promise<string | undefined> {
  for (;;) {
    const lf = reader.bytes.indexOf(10)
    if (lf !== -1)
      return reader
        .take(lf + 1)
        .toString('latin1')
        .trimEnd()
    if (reader.bytes.length > longestLineBytes)
      return reader.take(longestLineBytes).toString('latin1')
    if (!(await reader.more())) return undefined
  }
}
