import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { command } from '../../network/command.ts'

/**
 * A pipe that a program writes to. Node's own stdio are sockets, which a program cannot open again by the name
 * /dev/stdout (ENXIO), as nginx's official configuration does.
 */
export interface OutputPipe {
  /** To be given to the program, then closed here. */
  readonly writeFd: number
  readonly reader: Socket
  /** Resolves when every writer has closed it and everything is read. */
  readonly ended: Promise<void>
}

/** Makes two pipes by way of named ones at these paths; the names are gone when this resolves. */
export async function outputPipes(
  first: string,
  second: string,
): Promise<readonly [OutputPipe, OutputPipe]> {
  await command(['mkfifo', '-m', '600', first, second])
  return [open(first), open(second)]
}

function open(path: string): OutputPipe {
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writeFd = openSync(path, constants.O_WRONLY)
  rmSync(path)
  const reader = new Socket({ fd: readFd, readable: true, writable: false })
  const ended = new Promise<void>((resolve) => {
    reader.on('close', () => {
      resolve()
    })
  })
  reader.on('error', () => undefined)
  return { writeFd, reader, ended }
}

export function closeWriter({ writeFd }: OutputPipe): void {
  closeSync(writeFd)
}
