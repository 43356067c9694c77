import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { mutation } from '../../../scenarios/conformance/support/dns-mutations.ts'
import {
  framed,
  headerBits,
  questionOf,
  seeded,
} from '../../../scenarios/conformance/support/dns-packets.ts'

/*
 * The world outside as a hostile name server: what the target forwards is answered with NXDOMAIN or an address, and some of
 * it with a damaged answer, a truncated one, or not at all. Prints a line when it listens; ends with its stdin.
 */

export interface UpstreamInit {
  readonly address: string
  readonly seed: number
}

const { address, seed } = JSON.parse(process.argv[2] ?? '{}') as UpstreamInit
const random = seeded(seed)
const truncated = 0x0200
const nameError = 3

const socket = createSocket('udp4')
socket.on('error', () => undefined)
socket.on('message', (message, { address: to, port }) => {
  const answer = drawn(message)
  if (answer !== undefined) socket.send(answer, port, to)
})
socket.bind(53, address)

const server = createServer((client) => {
  client.on('error', () => undefined)
  client.once('data', (chunk) => {
    const answer = drawn(chunk.subarray(2))
    if (answer === undefined) client.destroy()
    else client.end(framed(answer))
  })
})
server.listen(53, address, () => process.stdout.write('{"listening":true}\n'))
process.stdin.resume().on('end', () => process.exit(0))

/** One answer in a hundred does not come; of the others a tenth is damaged, and some are cut short. */
function drawn(message: Buffer): Buffer | undefined {
  const draw = random()
  if (message.length < 17 || draw < 0.01) return undefined
  if (draw < 0.1) return mutation([answer(message, 0)], random)
  if (draw < 0.15) return answer(message, truncated)
  return answer(message, draw < 0.6 ? nameError : 0)
}

/** An A record behind a pointer to the question's name, unless the bits say that there is none. */
function answer(message: Buffer, bits: number): Buffer {
  const head = Buffer.alloc(12)
  message.copy(head, 0, 0, 2)
  head.writeUInt16BE(headerBits.response | headerBits.recursionDesired | 0x80 | bits, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(bits === 0 ? 1 : 0, 6)
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 203, 0, 113, 8])
  return Buffer.concat([head, questionOf(message), ...(bits === 0 ? [record] : [])])
}
