import type { Fixture } from '../../../harness/api.ts'
import { byHand } from '../support/by-hand.ts'
import { everyPort, service } from '../support/objects.ts'
import { newest } from './newest.ts'

const nobody = { selector: { app: 'nobody' } } as const

/**
 * Services that DNS rows ask for: `web` with a selector that nothing matches, `empty` without endpoints and with an
 * unnamed port, `manual` without a selector, `three` with named ports of both protocols, one of each type. No pod is
 * needed: names come from the API alone.
 */
export const services: Fixture = {
  id: 'dns-services',
  manifests: () => [
    service('web', everyPort, nobody),
    service('empty', [{ port: 80 }], nobody),
    service('manual', [{ name: 'web', port: 80 }], { selector: undefined }),
    ...byHand('manual', [{ addresses: ['10.211.2.3'] }], [{ name: 'web', port: 8080 }]),
    service('node-port', [{ port: 80 }], { type: 'NodePort', ...nobody }),
    service('load-balancer', [{ port: 80 }], { type: 'LoadBalancer', ...nobody }),
    service(
      'three',
      [
        { name: 'web', port: 8000 },
        { name: 'admin', port: 8001, targetPort: 9001 },
        { name: 'stats', port: 8002, protocol: 'UDP' },
      ],
      nobody,
    ),
    // why: once the wildcard of CoreDNS and kube-dns
    service('any', [{ name: 'web', port: 80 }], nobody),
    ...newest(),
  ],
}
