import { daemonSetTarget, type KubeObject, type Target } from 'meshmark'

/** This repository's agent with another image than its manifest names. */
export function agent(image: string): Target {
  return daemonSetTarget({
    id: 'agent',
    identity: {
      organization: 'example',
      project: 'agent',
      url: 'https://github.com/example/agent',
      version: image,
      contact: ['@example/agent-maintainers'],
    },
    // What it does beyond resolving names and carrying connections; rows that need more are not judged.
    features: [],
    manifests: [new URL('../deploy/agent.yaml', import.meta.url)],
    adapt: (manifest) => withImage(manifest, image),
    imageNames: [image],
    // As `ps -o comm` shows it.
    process: 'agent',
    // Where its name server answers.
    clusterDns: '169.254.96.16',
    kubeProxy: 'absent',
  })
}

function withImage(manifest: KubeObject, image: string): KubeObject {
  if (manifest.kind !== 'DaemonSet') return manifest
  const copy = structuredClone(manifest) as KubeObject & {
    spec: { template: { spec: { containers: { image: string }[] } } }
  }
  for (const container of copy.spec.template.spec.containers) container.image = image
  return copy
}
