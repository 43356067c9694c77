import t from 'tap'
import type { KubeClient, KubeObject } from '../../model/kubernetes.ts'
import { type FoundKubeProxy, kubeProxyOf } from './kube-proxy.ts'

const { signal } = new AbortController()

/** A cluster whose kube-system has these ConfigMaps, and a kube-proxy. */
function cluster(maps: Readonly<Record<string, Readonly<Record<string, string>>>>): KubeClient {
  const get = (
    { plural }: { readonly plural: string },
    { name }: { readonly name: string },
  ): Promise<KubeObject | undefined> => {
    const object = (data: object): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Double',
      metadata: { name },
      data,
    })
    if (plural === 'daemonsets') return Promise.resolve(object({}))
    const data = maps[name]
    return Promise.resolve(data && object(data))
  }
  return { get } as unknown as KubeClient
}

const kubeadm = { ClusterConfiguration: 'networking: { serviceSubnet: 10.96.0.0/16 }' }

async function modeOf(config: string, canRun: boolean): Promise<FoundKubeProxy['mode']> {
  const kube = cluster({ 'kube-proxy': { 'config.conf': config }, 'kubeadm-config': kubeadm })
  const run = (): Promise<string> => Promise.resolve('')
  const found = await kubeProxyOf({ kube, nodes: [], ...(canRun && { run }) }, { signal })
  return found?.mode
}

t.test(
  'the mode of a kube-proxy is what its ConfigMap says, whether nodes let us in',
  async (t) => {
    for (const canRun of [true, false]) {
      t.equal(await modeOf('mode: ""', canRun), 'iptables', 'that of Linux where it says nothing')
      t.equal(await modeOf('mode: iptables', canRun), 'iptables')
      t.equal(await modeOf('mode: nftables', canRun), 'nftables')
      t.equal(await modeOf('mode: ipvs', canRun), undefined)
    }
  },
)

t.test('where nothing says it nobody guesses', async (t) => {
  const found = await kubeProxyOf({ kube: cluster({}), nodes: [] }, { signal })
  t.ok(found, 'there is one')
  t.equal(found?.mode, undefined)
})
