import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'

const namespaces = ['--user', '--map-root-user', '--mount', '--propagation', 'private']
const usable = spawnSync('unshare', [...namespaces, 'true']).status === 0
const skip = usable ? false : 'user namespaces cannot be had here'

/** Writes the passing run into a tmpfs that is mounted this way, in a mount namespace of its own. */
async function writeInto(
  mountOptions: string,
): Promise<{ readonly error: string; readonly left: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-full-'))
  const url = (...path: readonly string[]): string =>
    JSON.stringify(pathToFileURL(join(import.meta.dirname, ...path)).href)
  const program = `
    import { readdirSync } from 'node:fs'
    const { writeResult } = await import(${url('write.js')})
    const { passingRun } = await import(${url('..', 'reporters', 'fixtures.js')})
    const error = await writeResult(${JSON.stringify(directory)}, passingRun()).catch((thrown) => thrown)
    console.log(JSON.stringify({ error: [error.code, error.message, error.hint].join('; '), left: readdirSync(${JSON.stringify(directory)}).join() }))`
  const { stdout, stderr } = spawnSync(
    'unshare',
    [
      ...namespaces,
      'sh',
      '-c',
      'mount -t tmpfs -o "$1" none "$2" && exec "$3" --input-type=module -e "$4"',
      'sh',
      mountOptions,
      directory,
      process.execPath,
      program,
    ],
    { encoding: 'utf8' },
  )
  await rm(directory, { recursive: true })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as { error: string; left: string }
}

t.test('a full disk is told as such, and nothing is left on it', { skip }, async (t) => {
  const { error, left } = await writeInto('size=16k')
  t.match(
    error,
    /^not-written; .*result\.json cannot be written: ENOSPC.*; the disk is full: free some space/,
  )
  t.equal(left, '')
})

t.test('a folder that may not be written is told as such', { skip }, async (t) => {
  const { error, left } = await writeInto('ro')
  t.match(error, /^not-written; .*EROFS.*; this folder may not be written: choose another place/)
  t.equal(left, '')
})
