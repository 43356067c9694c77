import { z } from 'zod'
import { runResultSchema, schemaVersion } from './schema.ts'

/** Name of the published schema file under `reports/schema/`. */
export const jsonSchemaFile: string = `run-result-${schemaVersion}.json`

/**
 * The result schema for everybody else: JSON Schema, draft 2020-12. It says all that the reader demands, except that
 * a trial has a value and no reasons exactly when it is valid, and a conformance row that did not pass has a reason,
 * which JSON Schema cannot say briefly.
 */
export function jsonSchemaText(): string {
  const { $schema, ...rest } = z.toJSONSchema(runResultSchema, { target: 'draft-2020-12' })
  const published = {
    $schema,
    $id: `urn:meshmark:run-result:${schemaVersion}`,
    title: `meshmark RunResult ${schemaVersion}`,
    ...rest,
  }
  return `${JSON.stringify(published, null, 2)}\n`
}
