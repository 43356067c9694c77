import { createSocket } from 'node:dgram'

/** Queries that wait for another server's answer; in a loop each has another behind it, so the rest are dropped. */
const mostOpen = 500

/** An answer that takes longer interests nobody any more. */
const longestMs = 10_000

let open = 0

/** Asks another name server, `IPv4:PORT`, over UDP with the same bytes, and gives its answer to the client. */
export function relay(
  message: Buffer,
  server: string,
  client: { readonly send: (answer: Buffer) => void },
): void {
  if (open >= mostOpen) return
  open += 1
  const [address = '', port = ''] = server.split(':')
  const socket = createSocket('udp4')
  const timer = setTimeout(() => socket.close(), longestMs)
  socket.once('close', () => {
    open -= 1
    clearTimeout(timer)
  })
  socket.once('error', () => socket.close())
  socket.once('message', (answer) => {
    client.send(answer)
    socket.close()
  })
  socket.send(message, Number(port), address)
}
