import { ClusterError, type Fixture, type FixtureScene } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { request } from '../support/connect.ts'
import { backendPod } from '../support/objects.ts'

/** What the name server that stands for the world outside knows; any other name does not exist. */
export const outside = {
  /** A name with an address. */
  host: { name: 'www.example.org', address: '203.0.113.80' },
  /** An address with a name. */
  pointer: { address: '198.51.100.7', name: 'host.example.net' },
  /** A name for which it answers SERVFAIL. */
  broken: 'broken.example.org',
  /** A name, and an address, of which it knows nothing: NXDOMAIN. */
  nothing: 'nothing.example.org',
  unknownAddress: '198.51.100.8',
} as const

/** Not the usual one of backends: it stands in the host network, where others may be. */
const controlPort = 8098

/** How long its pod may take to answer, in ms. */
const readyMs = 90_000

/**
 * The name server that nodes' resolv.conf names: wants the capability `upstream-dns`. There is one per run, so every
 * check uses this fixture; names tell its behaviour apart.
 */
export const upstream: Fixture = {
  id: 'dns-upstream',
  manifests: (scene) => {
    const address = addressOf(scene)
    const node = scene.cluster.nodes.find((one) => one.address === address)
    return [
      backendPod({
        name: 'world',
        image: scene.backendImage,
        ...(node !== undefined && { node: node.name }),
        spec: { hostNetwork: true, dnsPolicy: 'Default' },
        container: {
          args: ['--dns', `${address}:53`, '--control', `${address}:${controlPort}`],
          readinessProbe: {
            httpGet: { path: '/readyz', port: controlPort, host: address },
            periodSeconds: 1,
          },
        },
      }),
    ]
  },
  ready: async (context) => {
    const { pointer, host, broken } = outside
    const order = {
      dns: {
        records: [
          { name: host.name, type: 'A', data: host.address },
          {
            name: `${pointer.address.split('.').reverse().join('.')}.in-addr.arpa`,
            type: 'PTR',
            data: pointer.name,
          },
        ],
        rules: [{ name: broken, rcode: 'SERVFAIL' }],
      },
    }
    const at = { node: context.nodes[0]?.name ?? '', network: 'container' } as const
    const url = `http://${addressOf(context)}:${controlPort}/behave`
    const { accepted, seen } = await eventually(
      () => request(context, at, url, { method: 'POST', body: JSON.stringify(order) }),
      (answer) => answer.kind === 'http' && answer.status === 200,
      { withinMs: readyMs, signal: context.signal },
    )
    if (!accepted)
      throw new ClusterError(
        'not-ready',
        `the name server outside takes no orders: ${JSON.stringify(seen).slice(0, 300)}`,
      )
  },
}

function addressOf({ cluster }: Pick<FixtureScene, 'cluster'>): string {
  const [address] = cluster.topology.upstreamDns ?? []
  if (address === undefined) throw new RangeError('the cluster has no upstreamDns')
  return address
}
