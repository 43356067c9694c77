import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jsonSchemaFile, jsonSchemaText } from './json-schema.ts'

// Writes the published JSON Schema: `node dist/harness/results/write-json-schema.js`, from anywhere.
const root = join(import.meta.dirname, '..', '..', '..')
const path = join(root, 'reports', 'schema', jsonSchemaFile)
await writeFile(path, jsonSchemaText())
process.stdout.write(`wrote ${path}\n`)
