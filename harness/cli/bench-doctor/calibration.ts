import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { environment } from '../../measure/environment.ts'
import { machineFingerprint } from '../../model/fingerprint.ts'
import { suiteVersion } from '../package.ts'
import { writeText } from '../write-text.ts'
import { emptySample, metrics, type Metric, type Sample } from './resolution.ts'

/** What this machine's noise was like, kept from run to run, for machines that are alike. */
export interface Calibration {
  readonly path: string
  /** Earlier sessions, oldest first. */
  readonly sessions: readonly Session[]
}

export interface Session {
  /** ISO 8601. */
  readonly at: string
  readonly sample: Sample
}

/** Older sessions are forgotten. */
const keptSessions = 20

const logarithms = z.array(z.number())

const stored = z.object({
  schema: z.literal('meshmark.dev/calibration/1'),
  sessions: z.array(
    z.object({
      at: z.string(),
      sample: z.object({
        'http-p50': logarithms,
        'http-rate': logarithms,
        'http-cpu': logarithms,
        'dns-p50': logarithms,
        'dns-rate': logarithms,
        'dns-cpu': logarithms,
      } satisfies Record<Metric, unknown>),
    }),
  ),
})

/** Numbers are compared only where CPU, kernel and our own major version are the same (measurement.md 2.9). */
export async function calibration(): Promise<Calibration> {
  const { id } = machineFingerprint(await environment())
  const [major = ''] = suiteVersion().split('.')
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const path = join(cache, 'meshmark', 'calibration', `${id}-${major}.json`)
  return { path, sessions: await sessionsOf(path) }
}

/** What cannot be read is forgotten: it can be measured again. */
async function sessionsOf(path: string): Promise<readonly Session[]> {
  try {
    return stored.parse(JSON.parse(await readFile(path, 'utf8'))).sessions
  } catch {
    return []
  }
}

/** @throws UsageError when the cache cannot be written */
export async function remember({ path, sessions }: Calibration, session: Session): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true })
  const kept = [...sessions, session].slice(-keptSessions)
  await writeText(
    path,
    `${JSON.stringify({ schema: 'meshmark.dev/calibration/1', sessions: kept }, null, 2)}\n`,
  )
}

/** All sessions as one sample. */
export function pooled(sessions: readonly Session[]): Sample {
  const all = emptySample()
  for (const { sample } of sessions)
    for (const metric of metrics) all[metric].push(...sample[metric])
  return all
}
