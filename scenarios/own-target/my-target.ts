/*
 * A target of your own: `meshmark run --target ./my-target.ts`. This one brings the reference data plane the way you
 * would bring yours, from its manifests. Check its types with `tsc -p` and the tsconfig.json beside it.
 */
import { daemonSetTarget, type KubeObject, type Target } from 'meshmark'

const deploy = new URL('../../reference-impl/deploy/', import.meta.url)

/** Agents on the host network cannot reach the API by its ClusterIP before they serve it themselves. */
function withApiServer(manifest: KubeObject, server: string): KubeObject {
  if (manifest.kind !== 'DaemonSet') return manifest
  const copy = structuredClone(manifest) as KubeObject & {
    spec: { template: { spec: { containers: { env?: { name: string; value?: string }[] }[] } } }
  }
  for (const container of copy.spec.template.spec.containers) {
    const others = (container.env ?? []).filter(({ name }) => name !== 'KUBE_API_SERVER')
    container.env = [...others, { name: 'KUBE_API_SERVER', value: server }]
  }
  return copy
}

const target: Target = daemonSetTarget({
  id: 'my-mesh',
  identity: {
    organization: 'example',
    project: 'my mesh',
    url: 'https://mesh.example',
    version: 'v1.0.0',
    contact: ['@example/mesh-maintainers'],
  },
  // What it does beyond resolving names and carrying connections; a step that needs more is skipped.
  features: ['l7-proxy', 'node-dns'],
  manifests: [new URL('rbac.yaml', deploy), new URL('daemonset.yaml', deploy)],
  adapt: (manifest, cluster) => withApiServer(manifest, cluster.apiServer),
  process: { program: 'node', argument: 'reference-impl/main.js' },
  clusterDns: '169.254.96.16',
  kubeProxy: 'absent',
})

export default target
