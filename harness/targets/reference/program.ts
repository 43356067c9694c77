import { join } from 'node:path'

/** Command line of the agent whose compiled program lies in a folder, as its Dockerfile starts it. */
export function agentProgram(packageDirectory: string): readonly string[] {
  const main = join(packageDirectory, 'dist', 'reference-impl', 'main.js')
  // why: a young generation of 16 MiB, the default, makes garbage of questions grow the heap to 64 MiB before it is met
  return [process.execPath, '--max-semi-space-size=2', main]
}
