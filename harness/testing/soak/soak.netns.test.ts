import t from 'tap'
import { suiteVersion } from '../../cli/package.ts'
import { reference } from '../../targets/reference/target.ts'
import { cannotRunLocal } from '../needs-local.ts'
import { root } from '../sources.ts'
import type { SoakFlags } from './outcome.ts'
import { partNames, soak } from './parts.ts'

const skip = await cannotRunLocal()
const flags: SoakFlags = { seed: 1, packets: 3_000, messages: 480, kills: 2 }

/** What a busy machine may fail without a fault of the agent: how fast it is there again. */
const timed = ['DNS back', 'L7 back']

for (const name of partNames)
  t.test(`a short soak: ${name}`, { skip }, async (t) => {
    const target = reference({ packageDirectory: root, version: suiteVersion() })
    const { findings } = await soak(name, target, flags, new AbortController().signal)
    t.ok(findings.length > 3)
    for (const { name: what, seen, ok } of findings)
      if (!timed.includes(what)) t.not(ok, false, `${what}: ${seen}`)
  })
