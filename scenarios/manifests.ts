import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import type { KubeObject, ScenarioContext } from '../harness/api.ts'

/** Where `scenarios/manifests` lies, seen from the compiled file in `dist/scenarios`. */
const folder = new URL('../../scenarios/manifests/', import.meta.url)

/** What the manifests name. */
const usualImage = 'nginx:1.22'

/** Where this cluster wants the objects of scenarios. */
export function namespaceOf({ cluster }: Pick<ScenarioContext, 'cluster'>): string {
  return cluster.namespace ?? 'default'
}

/** Reads one of the manifests that ship with meshmark, for the namespace that the cluster wants. */
export async function readManifests(
  context: Pick<ScenarioContext, 'cluster' | 'sampleImage'>,
  name: string,
): Promise<readonly KubeObject[]> {
  const { sampleImage = usualImage } = context
  const shipped = await readFile(new URL(name, folder), 'utf8')
  const text = shipped.replaceAll(`image: ${usualImage}`, `image: ${sampleImage}`)
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject)
    .map((manifest) => ({
      ...manifest,
      metadata: { ...manifest.metadata, namespace: namespaceOf(context) },
    }))
}
