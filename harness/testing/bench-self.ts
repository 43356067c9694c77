import { setMaxListeners } from 'node:events'
import { parseArgs } from 'node:util'
import { randomStream } from '../measure/random.ts'
import type { Part } from './bench/arm.ts'
import { clusterReady } from './bench/cluster-ready.ts'
import { dns } from './bench/dns.ts'
import { idle } from './bench/idle.ts'
import { l4 } from './bench/l4.ts'
import { l7 } from './bench/l7.ts'
import { kindReady, probeRoundTrips } from './bench/real-clusters.ts'
import { endpointChange, scale } from './bench/scale.ts'

/*
 * Benchmarks of ourselves (`npm run bench:self`): every number is a ratio of two things measured in turn in one run,
 * with its spread, because machines differ and one machine differs from minute to minute. What has a goal is printed
 * beside it; reports/performance has what was found.
 */
const parts: Readonly<Record<string, Part>> = {
  l4,
  l7,
  dns,
  change: endpointChange,
  scale,
  idle,
  cluster: clusterReady,
  probe: probeRoundTrips,
  kind: kindReady,
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
})
const { signal } = new AbortController()
setMaxListeners(0, signal)

const { only, rounds, seed } = values
if (only !== undefined && parts[only] === undefined) {
  console.error(`--only: got ${only}, want one of ${Object.keys(parts).join(', ')}`)
  process.exit(2)
}
if (!(Number(rounds) >= 1)) {
  console.error(`--rounds: got ${rounds}, want 1 or more`)
  process.exit(2)
}
for (const [name, part] of Object.entries(parts))
  if (only === undefined || only === name)
    await part({ rounds: Math.trunc(Number(rounds)), random: randomStream(Number(seed)), signal })
