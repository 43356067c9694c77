import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Evidence } from '../engine/conform/run-check.ts'
import type { EvidenceFile } from '../model/conformance.ts'

/** Writes what a check kept for doubters, one file each. */
export function evidenceWriter(
  directory: string,
): (id: string, evidence: readonly Evidence[]) => Promise<EvidenceFile[]> {
  return async (id, evidence) => {
    if (evidence.length === 0) return []
    const folder = join('evidence', id)
    await mkdir(join(directory, folder), { recursive: true })
    return Promise.all(
      evidence.map(async ({ kind, name, text }, index) => {
        const path = join(folder, `${index + 1}-${name.replaceAll(/[^\w.-]+/g, '-')}.txt`)
        await writeFile(join(directory, path), text)
        const sha256 = createHash('sha256').update(text).digest('hex')
        return { kind, path, sha256 }
      }),
    )
  }
}
