import { randomBytes } from 'node:crypto'

/** Names a run: time first so that runs sort by it, then 24 random bits. Letters, digits and dashes. */
export function newRunId(now: Date = new Date()): string {
  const time = now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15)
  return `${time}-${randomBytes(3).toString('hex')}`
}
