import type { Fixture } from '../../../harness/api.ts'
import { everyPort, service } from '../support/objects.ts'
import { first, names, sizedBackends } from '../support/rules.fixture.ts'

/** Three backends on two nodes behind `web`, every way to speak; nothing of Istio. */
export const backends: Fixture = {
  id: 'lb-backends',
  manifests: (scene) => [...sizedBackends(scene, 3), service('web', everyPort, first(3))],
}

/** Names of the pods behind `web`. */
export const backendNames: readonly string[] = names(3)
