import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

const inspectMs = 20_000

/** The same bytes, whatever the two files are called; false where one cannot be read. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map(sha256))
  return a !== undefined && a === b
}

async function sha256(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  const ended = pipeline(createReadStream(path), hash).then(
    () => true,
    () => false,
  )
  return (await ended) ? hash.digest('hex') : undefined
}

/** The same image under two names: equal content has one id. False where Docker does not know one of them. */
export async function isSameImage(one: string, other: string): Promise<boolean> {
  if (one === other) return true
  const [a, b] = await Promise.all([one, other].map(imageId))
  return a !== undefined && a === b
}

async function imageId(image: string): Promise<string | undefined> {
  return run('docker', ['image', 'inspect', '--format', '{{.Id}}', image], {
    timeout: inspectMs,
  }).then(
    ({ stdout }) => (stdout.trim() === '' ? undefined : stdout.trim()),
    () => undefined,
  )
}
