import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { publishedSchemas } from './json-schema.ts'

// Writes the published JSON Schemas: `node dist/harness/results/write-json-schema.js`, from anywhere.
const root = join(import.meta.dirname, '..', '..', '..')
for (const { file, text } of publishedSchemas) {
  const path = join(root, 'reports', 'schema', file)
  await writeFile(path, text)
  process.stdout.write(`wrote ${path}\n`)
}
