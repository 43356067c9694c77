import { readFile } from 'node:fs/promises'
import { ResultError } from '../model/errors.ts'
import type { RunResult } from '../model/run-result.ts'
import { isCutShort } from './cut-short.ts'
import { faultLines, shown } from './faults.ts'
import { migrateResult } from './migrate.ts'
import { runResultSchema } from './schema.ts'
import { apiVersion, kind, schemaVersion } from './version.ts'

/**
 * Reads the result of a run.
 * @throws ResultError `unreadable` (no such file, no right, not JSON), `cut-short`, `newer-schema`, or `invalid` (not
 *   ours, or fields against the schema: every one is named)
 */
export async function readResult(path: string): Promise<RunResult> {
  return parseResult(await resultText(path), path)
}

/** Text of a file of ours. @throws ResultError `unreadable` */
export function resultText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new ResultError('unreadable', `${path} cannot be read: ${reason(error)}`, {
      hint: 'name a result.json that a run has written, or the folder that holds it',
      cause: error,
    })
  })
}

/** As `readResult`, of text that is there already; `name` is what messages call it. */
export function parseResult(text: string, name: string): RunResult {
  const given = object(json(text, name), name)
  const migrated = sameVersion(given, name)
  const { success, data, error } = runResultSchema.safeParse(migrated)
  if (success) return data
  throw new ResultError(
    'invalid',
    [
      `${name} is not a valid result of schema ${schemaVersion}:`,
      ...faultLines(migrated, error),
    ].join('\n  '),
    { hint: 'the file was edited or damaged: use an unchanged one, or run again' },
  )
}

/** @throws ResultError `cut-short`, or `unreadable` for what is not JSON */
export function json(text: string, name: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    if (isCutShort(text))
      throw new ResultError(
        'cut-short',
        `${name} stops after ${text.length} characters: it was cut short`,
        {
          hint: 'copy it again, or run again; a run itself never leaves half a file',
          cause,
        },
      )
    throw new ResultError('unreadable', `${name} is not JSON`, {
      hint: 'name a result.json that a run has written',
      cause,
    })
  }
}

function object(value: unknown, name: string): Readonly<Record<string, unknown>> {
  const fields =
    typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  if (fields['kind'] === kind && fields['apiVersion'] === apiVersion) return fields
  throw new ResultError(
    'invalid',
    `${name} is not a result of meshmark: got ${shown(value)} with apiVersion ${shown(fields['apiVersion'])} and ` +
      `kind ${shown(fields['kind'])}, want "${apiVersion}" and "${kind}"`,
    { hint: 'name a result.json that a run has written' },
  )
}

/** The result in this reader's schema. */
function sameVersion(
  fields: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> {
  const given = fields['schemaVersion']
  const [major, minor] = typeof given === 'string' ? versionOf(given) : []
  const [ownMajor = 0, ownMinor = 0] = versionOf(schemaVersion)
  if (major === undefined || minor === undefined)
    throw new ResultError(
      'invalid',
      `${name}: schemaVersion: got ${shown(given)}, want semver such as ${schemaVersion}`,
      {
        hint: 'use an unchanged file, or run again',
      },
    )
  if (major > ownMajor || (major === ownMajor && minor > ownMinor))
    throw new ResultError(
      'newer-schema',
      `${name} has schema ${shown(given)}; this meshmark reads up to ${ownMajor}.${ownMinor}`,
      { hint: 'update meshmark: npm install -g meshmark@latest' },
    )
  const migrated = migrateResult(fields, schemaVersion)
  if (migrated === undefined)
    throw new ResultError(
      'invalid',
      `${name} has schema ${shown(given)}, from which no migration leads to ${schemaVersion}`,
      { hint: 'read it with the meshmark that wrote it, or run again' },
    )
  return migrated
}

function versionOf(semver: string): readonly number[] {
  const found = /^(\d+)\.(\d+)\.\d+$/.exec(semver)
  return found === null ? [] : found.slice(1).map(Number)
}

/** The system's own name of what went wrong: `ENOENT`. */
function reason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
