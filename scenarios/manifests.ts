import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import type { KubeObject, ScenarioContext } from '../harness/api.ts'

/** Where `scenarios/manifests` lies, seen from the compiled file in `dist/scenarios`. */
const folder = new URL('../../scenarios/manifests/', import.meta.url)

/** Where this cluster wants the objects of scenarios. */
export function namespaceOf({ cluster }: Pick<ScenarioContext, 'cluster'>): string {
  return cluster.namespace ?? 'default'
}

/** Reads one of the manifests that ship with meshmark, for the namespace that the cluster wants. */
export async function readManifests(
  context: Pick<ScenarioContext, 'cluster'>,
  name: string,
): Promise<readonly KubeObject[]> {
  const text = await readFile(new URL(name, folder), 'utf8')
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject)
    .map((manifest) => ({
      ...manifest,
      metadata: { ...manifest.metadata, namespace: namespaceOf(context) },
    }))
}
