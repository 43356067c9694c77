import { createHash } from 'node:crypto'
import type { EnvironmentInfo } from './run-result.ts'

/** What kind of machine a result was made on. Equal ids mean machines that look alike, not that they are the same one. */
export interface Fingerprint {
  /** 12 hexadecimal digits. */
  readonly id: string
  /** What the id is made of. */
  readonly parts: Readonly<Record<string, string>>
}

/**
 * Numbers of machines whose fingerprints differ are never held against each other (measurement.md 2.9). Processor, CPUs
 * that the harness may use, kernel (major and minor: netfilter changes with the minor), governor and virtualization.
 */
export function machineFingerprint(environment: EnvironmentInfo): Fingerprint {
  const { cpuModel, arch, cpus, kernel, governor, virtualization } = environment
  const parts = {
    processor: cpuModel,
    architecture: arch,
    CPUs: String(cpus),
    kernel: /^\d+\.\d+/.exec(kernel)?.[0] ?? kernel,
    governor: governor ?? 'unknown',
    virtualization: virtualization ?? 'none',
  }
  const id = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
  return { id, parts }
}
