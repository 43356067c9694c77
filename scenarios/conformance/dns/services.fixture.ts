import type { Fixture } from '../../../harness/api.ts'
import { endpointSlice, everyPort, service } from '../support/objects.ts'

/**
 * Services that DNS rows ask for: `web` with a selector that nothing matches and hand-made endpoints, `empty` without
 * endpoints, `manual` without a selector, one of each type. No pod is needed: names come from the API alone.
 */
export const services: Fixture = {
  id: 'dns-services',
  manifests: () => [
    service('web', everyPort, { selector: { app: 'nobody' } }),
    service('empty', [{ port: 80 }], { selector: { app: 'nobody' } }),
    service('manual', [{ name: 'web', port: 80 }], { selector: undefined }),
    endpointSlice('manual', [{ addresses: ['10.1.2.3'] }], [{ name: 'web', port: 8080 }]),
    service('node-port', [{ port: 80 }], { type: 'NodePort', selector: { app: 'nobody' } }),
    service('load-balancer', [{ port: 80 }], { type: 'LoadBalancer', selector: { app: 'nobody' } }),
  ],
}
