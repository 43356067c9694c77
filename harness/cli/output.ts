/** A reader that went away (`meshmark report ... | head`) has read enough. */
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })

/** The only places where the command line writes: results on stdout, everything else on stderr. */
export const stdout = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

export const stderr = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** Waits until what was written has left the process, so that an exit cuts nothing off. */
export async function flushed(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => {
          stream.write('', () => {
            resolve()
          })
        }),
    ),
  )
}
