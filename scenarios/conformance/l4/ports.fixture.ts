import type { Fixture } from '../../../harness/api.ts'
import { backendPod, ports, service } from '../support/objects.ts'

/** A second port at which the backends of this fixture greet; pods call it `greeter`. */
export const secondGreeting = 9081

/** Backends `duo-0` and `duo-1`, one on each of two nodes, that greet at two ports, and Services that lead to either. */
export const twoPorts: Fixture = {
  id: 'l4-two-ports',
  manifests: ({ nodes, backendImage }) => [
    ...[0, 1].map((index) =>
      backendPod({
        name: `duo-${index}`,
        image: backendImage,
        labels: { app: 'duo' },
        node: nodes[index % nodes.length]?.name ?? '',
        args: ['--tcp', String(secondGreeting)],
        container: { ports: [{ name: 'greeter', containerPort: secondGreeting }] },
      }),
    ),
    service('duo', [
      { name: 'first', port: 91, targetPort: ports.tcp },
      { name: 'second', port: 92, targetPort: secondGreeting },
    ]),
    service('named', [{ name: 'tcp-0', port: 91, targetPort: 'greeter' }], {
      selector: { app: 'duo' },
    }),
  ],
}
