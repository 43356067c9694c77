import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { suiteVersion } from '../cli/package.ts'
import type { Target } from '../model/target.ts'
import { mutated } from '../targets/reference/mutate.ts'
import { mutants } from '../targets/reference/mutants/index.ts'
import { reference } from '../targets/reference/target.ts'
import { passed, type SoakFlags, tellOutcome } from './soak/outcome.ts'
import { partNames, soak } from './soak/parts.ts'
import { root } from './sources.ts'

/*
 * The soak of the reference data plane (`npm run soak`): what no client should send, in numbers, and an agent that is
 * killed under load. Each part has a cluster of provider local of its own. `--only dns|http|kill`, `--seed N`,
 * `--packets N`, `--messages N`, `--kills N`; `--mutant ID` breaks the reference (`meshmark selftest --list`), to see a
 * part fail. Ends with 1 when a part failed, with 2 when it was asked for what is not there.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    packets: { type: 'string', default: '3000000' },
    messages: { type: 'string', default: '50000' },
    kills: { type: 'string', default: '100' },
    mutant: { type: 'string' },
  },
})
let copy: string | undefined
try {
  await main()
} catch (error) {
  if (!(error instanceof RangeError)) throw error
  console.error(error.message)
  process.exitCode = 2
} finally {
  if (copy !== undefined) rmSync(copy, { recursive: true })
}

async function main(): Promise<void> {
  const flags: SoakFlags = {
    seed: count('seed'),
    packets: count('packets'),
    messages: count('messages'),
    kills: count('kills'),
  }
  const target = await targetOf(values.mutant)
  for (const name of values.only === undefined ? partNames : [values.only]) {
    const startedAt = performance.now()
    const outcome = await soak(name, target, flags, new AbortController().signal)
    console.log(tellOutcome(name, flags.seed, outcome, performance.now() - startedAt))
    if (!passed(outcome)) process.exitCode = 1
  }
}

async function targetOf(id: string | undefined): Promise<Target> {
  const init = { packageDirectory: root, version: suiteVersion() }
  if (id === undefined) return reference(init)
  const mutant = mutants.find((one) => one.id === id)
  if (mutant === undefined)
    throw new RangeError(`--mutant: got ${id}, want an id that meshmark selftest --list names`)
  const out = join(root, 'meshmark-out')
  mkdirSync(out, { recursive: true })
  copy = mkdtempSync(join(out, 'soak-'))
  return await mutated(init, mutant, copy)
}

/** @throws RangeError unless it is a whole number from 1 on */
function count(name: keyof SoakFlags): number {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new RangeError(`--${name}: got ${values[name]}, want a whole number from 1 on`)
}
