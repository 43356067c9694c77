import { LineCounter, parseAllDocuments } from 'yaml'
import { UsageError } from '../../model/errors.ts'
import type { KubeObject } from '../../model/kubernetes.ts'

/**
 * Reads a file of Kubernetes manifests: YAML documents or JSON, a `List` is taken apart.
 * @throws UsageError in kubectl's words, with the file and the line
 */
export function parseManifests(text: string, file: string): readonly KubeObject[] {
  const lineCounter = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter })
  const objects: KubeObject[] = []
  for (const document of documents) {
    const [error] = document.errors
    if (error !== undefined) {
      const { line } = lineCounter.linePos(error.pos[0])
      throw new UsageError(
        `error parsing ${file}: error converting YAML to JSON: yaml: line ${line}: ${firstLine(error.message)}`,
      )
    }
    const value: unknown = document.toJS()
    if (value === null || value === undefined) continue
    const { line } = lineCounter.linePos(document.range[0])
    objects.push(...objectsOf(value, `${file}, document at line ${line}`))
  }
  return objects
}

function objectsOf(value: unknown, where: string): readonly KubeObject[] {
  if (!isRecord(value))
    throw new UsageError(`error validating ${where}: got ${JSON.stringify(value)}, want an object`)
  for (const field of ['apiVersion', 'kind'] as const)
    if (typeof value[field] !== 'string' || value[field] === '')
      throw new UsageError(`error validating ${where}: ${field} not set`)
  if (value['kind'] === 'List' && Array.isArray(value['items']))
    return value['items'].flatMap((item, index) => objectsOf(item, `${where}, items[${index}]`))
  const metadata = value['metadata']
  if (
    !isRecord(metadata) ||
    (typeof metadata['name'] !== 'string' && typeof metadata['generateName'] !== 'string')
  )
    throw new UsageError(`error validating ${where}: resource name may not be empty`)
  return [value as unknown as KubeObject]
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text
}
