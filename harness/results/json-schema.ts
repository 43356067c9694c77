import { z } from 'zod'
import { conformanceReportVersion } from '../model/conformance-report.ts'
import { conformanceReportSchema } from './schema-conformance-report.ts'
import { runResultSchema, schemaVersion } from './schema.ts'

/** A JSON Schema as it is published under `reports/schema/`. */
export interface PublishedSchema {
  readonly file: string
  readonly text: string
}

/**
 * The schemas for everybody else: JSON Schema, draft 2020-12. They say all that the reader demands, except that a trial
 * has a value and no reasons exactly when it is valid, and that a conformance row that did not pass has a reason, which
 * JSON Schema cannot say briefly.
 */
export const publishedSchemas: readonly PublishedSchema[] = [
  published('run-result', 'RunResult', schemaVersion, runResultSchema),
  published(
    'conformance-report',
    'ConformanceReport',
    conformanceReportVersion,
    conformanceReportSchema,
  ),
]

function published(
  name: string,
  kind: string,
  version: string,
  schema: z.ZodType,
): PublishedSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12' })
  const document = {
    $schema,
    $id: `urn:meshmark:${name}:${version}`,
    title: `meshmark ${kind} ${version}`,
    ...rest,
  }
  return { file: `${name}-${version}.json`, text: `${JSON.stringify(document, null, 2)}\n` }
}
