import type { Fixture } from '../../../harness/api.ts'
import { backendsOnNodes, everyPort, service } from '../support/objects.ts'

/** Two backends behind `web`. */
export const backends: Fixture = {
  id: 'sec-backends',
  manifests: (scene) => [...backendsOnNodes(scene, 'web', 2), service('web', everyPort)],
}
