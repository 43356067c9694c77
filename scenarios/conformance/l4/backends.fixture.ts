import type { Fixture } from '../../../harness/api.ts'
import { backendsOnNodes, everyPort, service } from '../support/objects.ts'

/** Three backends `web-0` to `web-2` on the first two nodes behind one Service `web`, every way to speak. */
export const backends: Fixture = {
  id: 'l4-backends',
  manifests: (scene) => [...backendsOnNodes(scene, 'web', 3), service('web', everyPort)],
}

/** Names of the pods behind `web`. */
export const backendNames = ['web-0', 'web-1', 'web-2'] as const
