import type { CheckContext, KubeObject } from '../../../harness/api.ts'
import { backendPod } from '../support/objects.ts'

/**
 * A backend in the host network of a node: a process of the host that listens at `port` (and, for its readiness, at
 * `controlPort`) of all its addresses.
 */
export function hostPod(
  { backendImage }: Pick<CheckContext, 'backendImage'>,
  name: string,
  node: string,
  { port, controlPort }: { readonly port: number; readonly controlPort: number },
): KubeObject {
  return backendPod({
    name,
    image: backendImage,
    node,
    spec: { hostNetwork: true },
    container: {
      args: ['--tcp', String(port), '--control', String(controlPort)],
      readinessProbe: {
        httpGet: { path: '/readyz', port: controlPort },
        periodSeconds: 1,
        failureThreshold: 1,
      },
    },
  })
}

/** A pair of ports that no node uses for itself: below ephemeral ports and NodePorts, drawn from the row's seed. */
export function hostPorts({ seed }: Pick<CheckContext, 'seed'>): {
  readonly port: number
  readonly controlPort: number
} {
  const port = 20_000 + 2 * (seed % 4_000)
  return { port, controlPort: port + 1 }
}
