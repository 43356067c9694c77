import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../harness/api.ts'

/** Where `scenarios/manifests` lies, seen from the compiled file in `dist/scenarios`. */
const folder = new URL('../../scenarios/manifests/', import.meta.url)

/** Reads one of the manifests that ship with meshmark. */
export async function readManifests(name: string): Promise<readonly KubeObject[]> {
  const text = await readFile(new URL(name, folder), 'utf8')
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject)
}
