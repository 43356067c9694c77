import { join } from 'node:path'

/** Command line of the agent whose compiled program lies in a folder, as its Dockerfile starts it. */
export function agentProgram(packageDirectory: string): readonly string[] {
  const main = join(packageDirectory, 'dist', 'reference-impl', 'main.js')
  // why: a young generation of 16 MiB, the default, makes garbage of questions grow the heap to 64 MiB before it is met;
  // and an old one that may double before it is collected came to 136 MiB of RSS in a million questions of strangers
  return [process.execPath, '--max-semi-space-size=2', '--heap-growing-percent=50', main]
}
