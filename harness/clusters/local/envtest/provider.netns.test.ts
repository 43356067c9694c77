import t from 'tap'
import { clusterContract } from '../../../testing/cluster-contract.ts'
import { cannotRunLocal } from '../../../testing/needs-local.ts'
import { root } from '../../../testing/sources.ts'
import { local } from '../provider.ts'
import { defaultTopology } from '../topology.ts'

const provider = local({ packageDirectory: root, controlPlane: 'envtest' })
const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(10_000) })
const [problem] = await provider.preflight(options())
const skip = (await cannotRunLocal()) || (problem === undefined ? false : problem.message)

t.test(
  'with the real kube-apiserver, provider local keeps the contract of every provider',
  {
    skip,
  },
  (t) => clusterContract(t, provider, defaultTopology()),
)

t.test(
  'without its programs, the real control plane is refused by name before anything is made',
  async (t) => {
    const { KUBEBUILDER_ASSETS: before } = process.env
    process.env['KUBEBUILDER_ASSETS'] = '/nowhere'
    t.teardown(() => {
      if (before === undefined) delete process.env['KUBEBUILDER_ASSETS']
      else process.env['KUBEBUILDER_ASSETS'] = before
    })
    t.match(await provider.preflight(options()), [
      {
        subject: 'control plane',
        message: /no etcd and no kube-apiserver in KUBEBUILDER_ASSETS=\/nowhere/,
      },
    ])
    await t.rejects(provider.create(defaultTopology(), { runId: 'never', ...options() }), {
      code: 'tool-missing',
    })
  },
)
