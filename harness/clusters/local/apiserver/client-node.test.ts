/* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment -- why: this client takes plain objects for its classes */
import {
  KubeConfig,
  CoreV1Api,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node'
import type { V1ConfigMap } from '@kubernetes/client-node'
import t from 'tap'
import { startTestServer } from './testing/harness.ts'

await t.test('an informer of @kubernetes/client-node follows what happens', async (t) => {
  const server = await startTestServer()
  t.teardown(() => server[Symbol.asyncDispose]())
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } })
  const config = new KubeConfig()
  config.loadFromFile(server.kubeconfig)
  const core = config.makeApiClient(CoreV1Api)
  const namespace = 'default'
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'a' } } })

  const seen: string[] = []
  let wake: () => void = () => undefined
  const informer = makeInformer<V1ConfigMap>(config, '/api/v1/namespaces/default/configmaps', () =>
    core.listNamespacedConfigMap({ namespace }),
  )
  for (const verb of ['add', 'update', 'delete'] as const) {
    informer.on(verb, (object) => {
      seen.push(`${verb} ${object.metadata?.name ?? ''}`)
      wake()
    })
  }
  informer.on('error', (error: unknown) => {
    seen.push(`error ${String(error)}`)
    wake()
  })
  const until = async (line: string) => {
    const timer = setTimeout(() => {
      throw new Error(`no "${line}" within 5 s, but ${seen.join(', ')}`)
    }, 5_000)
    while (!seen.includes(line)) await new Promise<void>((resolve) => (wake = resolve))
    clearTimeout(timer)
  }
  await informer.start()
  await until('add a')
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'b' } } })
  await until('add b')
  await core.patchNamespacedConfigMap(
    { namespace, name: 'b', body: { data: { x: '1' } } },
    setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
  )
  await until('update b')
  await core.deleteNamespacedConfigMap({ namespace, name: 'a' })
  await until('delete a')
  t.same(
    informer.list().map((object) => object.metadata?.name),
    ['b'],
  )
  t.notOk(seen.some((line) => line.startsWith('error')))
  await informer.stop()
})
