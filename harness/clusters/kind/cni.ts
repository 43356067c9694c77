import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { UsageError } from '../../model/errors.ts'
import type { KubeObject } from '../../model/kubernetes.ts'

/** A pod network that is brought by its manifests. */
export interface Cni {
  /** The file's name without its ending, for reports. */
  readonly name: string
  readonly manifests: readonly KubeObject[]
}

/** @throws UsageError for a file that cannot be read, is no YAML, or has no objects of Kubernetes in it */
export async function readCni(file: string): Promise<Cni> {
  const wrong = (why: string): UsageError =>
    new UsageError(`--cni ${file}: ${why}`, [], {
      hint: 'name a file of manifests, e.g. the one that the pod network publishes for kubectl apply -f',
    })
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw wrong(`it cannot be read: ${(error as Error).message}`)
  })
  const documents = parseAllDocuments(text)
  const problem = documents.flatMap(({ errors }) => errors)[0]
  if (problem !== undefined) throw wrong(problem.message)
  const manifests = documents
    .map((document) => document.toJS() as Partial<KubeObject> | null)
    .filter((manifest) => manifest !== null)
  const odd = manifests.find(
    ({ apiVersion, kind, metadata }) =>
      apiVersion === undefined || kind === undefined || metadata?.name === undefined,
  )
  if (manifests.length === 0) throw wrong('there is no object in it')
  if (odd !== undefined)
    throw wrong(`got ${JSON.stringify(odd).slice(0, 80)}, want apiVersion, kind and metadata.name`)
  return { name: basename(file, extname(file)), manifests: manifests as readonly KubeObject[] }
}
