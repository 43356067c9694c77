/**
 * Client connections that all read into one buffer. Node gives every read of an accepted socket a 64 KiB allocation of
 * its own (there is no public option; only `net.connect` has `onread`), which is a sixth of what a small request costs.
 */
import { Socket } from 'node:net'

/** Parts of net.Socket that Node keeps to itself, the same since Node 10. */
interface Internals {
  _handle?: object | null
  _server?: unknown
  server?: unknown
}

/** Connections are handled one at a time and whatever is kept is copied, so one buffer serves all. */
const sharedBuffer = Buffer.allocUnsafeSlow(65_536)

/**
 * Takes a connection over from a server with `pauseOnConnect` and hands what it receives to `onBytes`, which has to
 * copy what it keeps. Where Node's internals are not as expected the socket is used as it is, only slower.
 */
export function withSharedReads(accepted: Socket, onBytes: (bytes: Buffer) => void): Socket {
  const internals = accepted as unknown as Internals
  const { _handle: handle, _server: owner, server } = internals
  if (handle === undefined || handle === null || owner === undefined) {
    accepted.on('data', onBytes)
    accepted.resume()
    return accepted
  }
  internals._handle = null
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: sharedBuffer,
      callback: (size: number, bytes: Uint8Array) => {
        onBytes((bytes as Buffer).subarray(0, size))
        return true
      },
    },
  }
  const socket = new Socket(options)
  // why: the server counts its connections and knows by these when it is closed
  const adopted = socket as unknown as Internals
  adopted._server = owner
  adopted.server = server
  socket.resume()
  return socket
}
