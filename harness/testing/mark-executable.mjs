// After a build in a checkout: makes the command line executable (tsc writes no file modes), and puts it where
// `npx meshmark` looks first; without that npx would link and build the package anew at every call.
import { chmodSync, existsSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
chmodSync(join(root, 'dist', 'harness', 'cli', 'main.js'), 0o755)
const programs = join(root, 'node_modules', '.bin')
if (existsSync(programs)) {
  const link = join(programs, 'meshmark')
  rmSync(link, { force: true })
  symlinkSync(join('..', '..', 'dist', 'harness', 'cli', 'main.js'), link)
}
