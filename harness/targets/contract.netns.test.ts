/** Every target that runs on provider local keeps the contract of targets. */
import { join } from 'node:path'
import t from 'tap'
import { local } from '../clusters/local/provider.ts'
import { defaultTopology } from '../clusters/local/topology.ts'
import type { Target } from '../model/target.ts'
import { cannotRunLocal } from '../testing/needs-local.ts'
import { root } from '../testing/sources.ts'
import { targetContract } from '../testing/target-contract.ts'
import { edgeMesh } from './edgemesh/target.ts'
import { kubeProxyCoreDns } from './kube-proxy-coredns/target.ts'
import { loadTarget } from './own/load.ts'
import { onPath } from './shared/programs.ts'

const noLocal = await cannotRunLocal()
const lacking = ['kube-proxy', 'coredns', 'iptables'].filter((name) => onPath(name) === undefined)
const noKubeProxy = lacking.length > 0 && `no ${lacking.join(', ')} on PATH`
const agent = process.env['MESHMARK_EDGEMESH_AGENT']
const noEdgeMesh = agent === undefined && 'MESHMARK_EDGEMESH_AGENT names no program of EdgeMesh'

const targets: readonly {
  readonly name: string
  readonly skip: string | false
  readonly target: () => Promise<Target>
}[] = [
  {
    name: "a user's own, from a file (the reference data plane's manifests)",
    skip: false,
    target: () => loadTarget(join(root, 'scenarios', 'own-target', 'my-target.ts'), root),
  },
  {
    name: 'kube-proxy (iptables) + CoreDNS, the programs of this machine',
    skip: noKubeProxy,
    target: () => Promise.resolve(kubeProxyCoreDns()),
  },
  {
    name: 'kube-proxy (nftables) + CoreDNS, the programs of this machine',
    skip: noKubeProxy,
    target: () => Promise.resolve(kubeProxyCoreDns({ mode: 'nftables' })),
  },
  {
    name: 'EdgeMesh, a program of this machine',
    skip: noEdgeMesh,
    target: () => Promise.resolve(edgeMesh({ binary: agent ?? '' })),
  },
]

for (const { name, skip, target } of targets)
  t.test(name, { skip: noLocal === false ? skip : noLocal }, async (t) => {
    await targetContract(t, await target(), local({ packageDirectory: root }), defaultTopology())
  })
