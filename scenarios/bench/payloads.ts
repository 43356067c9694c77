import { createHash, randomUUID } from 'node:crypto'
import type { BenchFacts, KubeObject, ScenarioContext } from '../../harness/api.ts'
import { readManifests } from '../manifests.ts'
import { pinned, readyPod } from '../pods.ts'
import { edgeNodes, part } from '../walkthrough/facts.ts'

const name = 'nginx-payload'

/** As in the manifest. */
const sizes = [1_024, 65_536, 4_194_304] as const

/** nginx with files of several sizes on the second edge node. Without its ClusterIP, which the caller looks up. */
export async function preparePayloads(
  context: ScenarioContext,
): Promise<Omit<NonNullable<BenchFacts['payloads']>, 'clusterIp'> & { readonly service: string }> {
  const [, b] = edgeNodes(context)
  const line = `meshmark ${randomUUID()}`
  const manifests = (await readManifests(context, `${name}.yaml`)).map((one) => withLine(one, line))
  context.keep(await context.cluster.apply(pinned(manifests, b.name), context))
  const pod = await readyPod(context, name, b.name)
  if (pod === undefined) throw new Error(`${name} cannot be measured: it is not ready on ${b.name}`)
  const files = sizes.map((bytes) => ({
    bytes,
    path: `/${bytes}.txt`,
    sha256: createHash('sha256').update(textOf(line, bytes)).digest('hex'),
  }))
  return { service: name, podIp: pod.ip, files }
}

/** What `yes LINE | head -c BYTES` writes. */
function textOf(line: string, bytes: number): Buffer {
  return Buffer.alloc(bytes, `${line}\n`)
}

interface Container {
  readonly env?: readonly { readonly name: string }[]
}

function withLine(manifest: KubeObject, line: string): KubeObject {
  if (manifest.kind !== 'Deployment') return manifest
  const spec = part<{ template: { spec: { containers: readonly Container[] } } }>(manifest, 'spec')
  const containers = spec.template.spec.containers.map((container) => ({
    ...container,
    env: [{ name: 'PAYLOAD_LINE', value: line }],
  }))
  const template = { ...spec.template, spec: { ...spec.template.spec, containers } }
  return { ...manifest, spec: { ...spec, template } }
}
