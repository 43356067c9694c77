// tsc writes no file modes: makes the command line executable, as `bin` in package.json needs it in a checkout.
import { chmodSync } from 'node:fs'
import { join } from 'node:path'

chmodSync(join(import.meta.dirname, '..', '..', 'dist', 'harness', 'cli', 'main.js'), 0o755)
