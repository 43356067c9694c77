import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { quantile } from '../../measure/quantile.ts'
import { theilSenSlope } from '../../measure/theil-sen.ts'
import { root } from '../sources.ts'
import { type BenchPlan, type Reading, type Readings, tell } from './arm.ts'
import { tellGoals } from './goal.ts'
import { areThere } from './scene.ts'

/** Services; each has five endpoints. */
const sizes = [10, 100, 1000, 10_000] as const
const largest = 10_000

/** Rounds of the largest cluster take half a minute each. */
const mostRounds = 3

/** Lookups per size and round, changes of one endpoint per size and round. */
const lookups = 1000
const changes = 20

/** As flat as this counts as flat: percent more or less for ten times the Services. */
const flatPercent = 5

/** p99 of so many has ten samples beyond it. */
const changesOfOneThousand = 1000

/** How long one run of the program may take. */
const longestMs = 280_000

/** The agent alone, on an API of the tests, with ever more Services. */
export async function scale({ rounds: wanted }: BenchPlan): Promise<void> {
  if (!areThere('scale', ['nft', 'unshare'])) return
  const rounds = Math.min(wanted, mostRounds)
  const all = await measured([sizes.join(), rounds, changes, lookups])
  const found: Readings = new Map(
    sizes.map((size) => [
      `${size} Services`,
      all.filter((one) => one.size === size).map((one): Reading => ({ ...numbers(one) })),
    ]),
  )
  tell(`One agent, five endpoints per Service, ${rounds} rounds`, found, [
    { number: 'loadMs', title: 'start to ready (ms)', digits: 0 },
    { number: 'changeP50Ms', title: 'a change, p50 (ms)', digits: 0 },
    { number: 'changeCpuMs', title: 'its CPU (ms)', digits: 1 },
    { number: 'dnsUs', title: 'name, p50 (us)', digits: 0 },
    { number: 'connectUs', title: 'connect, p50 (us)', digits: 0 },
    { number: 'rssMib', title: 'RSS (MiB)', digits: 0 },
    { number: 'peakMib', title: 'most RSS (MiB)', digits: 0 },
  ])
  const large = all.filter(({ size }) => size === largest)
  tellGoals([
    {
      what: `full load of ${largest} Services`,
      values: large.map(({ loadMs }) => loadMs / 1000),
      unit: ' s',
      atMost: 5,
    },
    {
      what: `one change among ${largest} Services (write to first packet), p50`,
      values: large.map(({ changeMs }) => quantile(changeMs, 0.5)),
      unit: ' ms',
      atMost: 50,
    },
    { what: 'RSS', values: large.map(({ rssMib }) => rssMib), unit: ' MiB', atMost: 256 },
    {
      what: 'a name, percent per tenfold of Services (Theil-Sen)',
      values: slopes(all, 'dnsUs', rounds),
      unit: ' %',
      atLeast: -flatPercent,
      atMost: flatPercent,
    },
    {
      what: 'a connect, percent per tenfold of Services (Theil-Sen)',
      values: slopes(all, 'connectUs', rounds),
      unit: ' %',
      atLeast: -flatPercent,
      atMost: flatPercent,
    },
  ])
}

/** From the write of an EndpointSlice to the first packet at the new endpoint, with 1 000 Services. */
export async function endpointChange(): Promise<void> {
  if (!areThere('change', ['nft', 'unshare'])) return
  const [one] = await measured([1000, 1, changesOfOneThousand, 1])
  const { changeMs = [], changeCpuMs = NaN } = one ?? {}
  const at = (q: number): string => quantile(changeMs, q).toFixed(1)
  console.log(`\nEndpoint change to first packet, 1000 Services, ${changeMs.length} changes`)
  console.log(
    `  p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms; the agent's CPU per change ${changeCpuMs.toFixed(1)} ms`,
  )
  tellGoals([{ what: 'change, p99', values: [quantile(changeMs, 0.99)], unit: ' ms', atMost: 100 }])
}

interface Measured {
  readonly size: number
  readonly round: number
  readonly loadMs: number
  readonly rssMib: number
  readonly peakMib: number
  readonly changeMs: readonly number[]
  readonly changeCpuMs: number
  readonly dnsUs: number
  readonly connectUs: number
}

/** @throws Error with what the program said when it failed */
async function measured(args: readonly (string | number)[]): Promise<readonly Measured[]> {
  const program = join(root, 'dist', 'reference-impl', 'bench-scale.js')
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args.map(String)], {
    timeout: longestMs,
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Measured)
}

function numbers({ changeMs, ...rest }: Measured): Reading {
  return { ...rest, changeP50Ms: quantile(changeMs, 0.5) }
}

/** Per round: by how many percent of the middle value a number grows when there are ten times as many Services. */
function slopes(
  all: readonly Measured[],
  number: 'dnsUs' | 'connectUs',
  rounds: number,
): readonly number[] {
  return Array.from({ length: rounds }, (_, round) => {
    const own = all.filter((one) => one.round === round)
    const middle = quantile(
      own.map((one) => one[number]),
      0.5,
    )
    return (
      (theilSenSlope(own.map((one) => [Math.log10(one.size), one[number]] as const)) / middle) * 100
    )
  })
}
