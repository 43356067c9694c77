import { createSocket } from 'node:dgram'
import { holding, type KnownBehaviour, type KnownServer } from './known-server.ts'

/** 192.0.2.1 for a minute, of the name that was asked for (RFC 1035 section 4.1.3; RFC 5737 for the address). */
const record = Buffer.from('c00c000100010000003c0004c0000201', 'hex')

/** Room for what comes in a stall; the kernel gives what it allows. */
const receiveBufferBytes = 4 * 1024 * 1024

const headBytes = 12

/** DNS over UDP on 127.0.0.1: every question gets one address. */
export async function knownDns(behaviour: KnownBehaviour): Promise<KnownServer> {
  const { hold, takeHolds, stall } = holding(behaviour)
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const answer = answerTo(query)
    if (answer === undefined) return
    hold(() => {
      socket.send(answer, port, address)
    })
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, '127.0.0.1', resolve)
  })
  try {
    socket.setRecvBufferSize(receiveBufferBytes)
  } catch {
    // why: it is a wish; what is lost times out at the client and is seen there
  }
  return {
    port: socket.address().port,
    takeHolds,
    stall,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        socket.close(resolve)
      }),
  }
}

/** @returns undefined for what is no query with one question */
function answerTo(query: Buffer): Buffer | undefined {
  let at = headBytes
  for (let length = query[at]; length !== undefined && length > 0; length = query[at])
    at += 1 + length
  const end = at + 5
  if (query.length < end) return undefined
  const answer = Buffer.allocUnsafe(end + record.length)
  query.copy(answer, 0, 0, end)
  record.copy(answer, end)
  answer.writeUInt16BE(0x8580, 2)
  answer.writeUInt16BE(1, 4)
  answer.writeUInt16BE(1, 6)
  answer.writeUInt32BE(0, 8)
  return answer
}
