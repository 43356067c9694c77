import t from 'tap'
import { setTimeout as delay } from 'node:timers/promises'
import { cannotRunLocal } from '../../../testing/needs-local.ts'
import type { KubeObject } from '../../../model/kubernetes.ts'
import { nodes } from '../../kube/types.ts'
import { first, isReady, lab, script } from './testing/lab.ts'

const skip = await cannotRunLocal()
if (skip !== false) {
  t.plan(0, skip)
  process.exit()
}
const signal = AbortSignal.timeout(240_000)
const it = await lab(signal)
t.teardown(() => it[Symbol.asyncDispose]())
const { kube } = it.cluster

interface Node extends KubeObject {
  readonly status: {
    readonly addresses: readonly { readonly type: string; readonly address: string }[]
    readonly conditions: readonly { readonly type: string; readonly status: string }[]
    readonly nodeInfo: { readonly kubeletVersion: string }
  }
}

t.test('a node registers with its labels, address, pod range and conditions', async (t) => {
  const node = await kube.get<Node>(nodes, { name: 'edge' }, { signal })
  t.match(node?.metadata.labels, {
    'kubernetes.io/hostname': 'edge',
    'kubernetes.io/os': 'linux',
    'node-role.kubernetes.io/edge': '',
  })
  t.match(node?.['spec'], { podCIDR: '10.244.1.0/24' })
  t.match(node?.status.addresses, [{ type: 'InternalIP', address: '192.168.10.11' }])
  t.equal(node?.status.nodeInfo.kubeletVersion, 'v1.34.0-meshmark')
  t.equal(node?.status.conditions.find(({ type }) => type === 'Ready')?.status, 'True')
})

t.test('pods outlive an API that is away, and what happened meanwhile is told after', async (t) => {
  const pod = await it.ready('survivor', {
    containers: [
      {
        name: 'web',
        image: 'nginx',
        readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 1 },
      },
    ],
  })
  const address = pod.status.podIP ?? ''
  const cut = await it.cluster.fault(
    { kind: 'cut-node', node: 'edge', from: 'control-plane' },
    { signal },
  )
  try {
    const page = await it.on('edge', ['curl', '-s', `http://${address}`])
    t.match(page, 'Welcome to nginx', 'it serves')
    await it.on('edge', [
      ...['sh', '-c'],
      `kill $(grep -l nginx /proc/[0-9]*/comm | cut -d/ -f3) || true`,
    ])
    const served = async (): Promise<boolean> =>
      (await it.on('edge', ['sh', '-c', `curl -s -m 1 http://${address} || true`])).includes(
        'nginx',
      )
    await delay(200)
    while (!(await served())) signal.throwIfAborted()
    t.pass('it was restarted while nobody could be told')
  } finally {
    await cut[Symbol.asyncDispose]()
  }
  const after = await it.until(
    'survivor',
    (pod) => isReady(pod) && (first(pod)?.restartCount ?? 0) > 0,
  )
  t.equal(after.status.podIP, address, 'with the address that it had')
})

t.test('a node that was deleted registers again', async (t) => {
  const before = await kube.get<Node>(nodes, { name: 'edge' }, { signal })
  await kube.delete(nodes, { name: 'edge' }, { signal })
  const deadline = performance.now() + 30_000
  let now: Node | undefined
  while (now === undefined && performance.now() < deadline)
    now = await kube.get<Node>(nodes, { name: 'edge' }, { signal })
  t.ok(now !== undefined && now.metadata.uid !== before?.metadata.uid)
})

t.test('a container that starts needs no more than its node: script', async (t) => {
  await it.ready('late', { containers: [script('exec sleep 1000')] })
  t.pass('the node works after all of this')
})
