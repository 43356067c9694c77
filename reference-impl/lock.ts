import { connect, createServer } from 'node:net'

/** Another agent serves this node. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError'
}

/**
 * Makes this process the only agent of the node. The lock is a name in the abstract socket namespace (unix(7)), which
 * belongs to the network namespace, as everything does that two agents could quarrel about; it goes with the process,
 * however that ends.
 * @throws AlreadyRunningError that says who holds it
 */
export async function lockNode(): Promise<{ release(): Promise<void> }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end(`process ${process.pid}, started ${startedAt}`)
  })
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(name, resolve)
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new AlreadyRunningError(
      `another agent serves this node already (${await holder()}); there can be one per network namespace`,
      { cause: error },
    )
  }
  server.unref()
  return {
    release: async () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
      }),
  }
}

const name = '\0meshmark-reference'

const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString()

async function holder(): Promise<string> {
  return await new Promise<string>((resolve) => {
    let text = ''
    const socket = connect(name)
    socket.setEncoding('utf8')
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('data', (part: string) => (text += part))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text === '' ? 'it does not say which' : text))
  })
}
