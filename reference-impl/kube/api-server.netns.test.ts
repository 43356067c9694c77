/**
 * The watch against a Kubernetes API that this folder did not write: the one of the local provider, started as a
 * process, over TLS and a token, with its fault door.
 */
import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../testing/eventually.ts'
import { findAccess } from './access.ts'
import { apiOf } from './api.ts'
import { ClusterWatch } from './cluster-watch.ts'
import type { Snapshot } from './snapshot.ts'

const dist = join(import.meta.dirname, '..', '..')
const program = join(dist, 'harness', 'clusters', 'local', 'control-plane.js')

/** Largest time after a recovery until changes show (requirement EDGE-OFF-009). */
const recoveryMs = 30_000

if (!existsSync(program)) t.plan(0, `${program} is not built`)
else {
  t.setTimeout(240_000)
  const folder = mkdtempSync(join(tmpdir(), 'meshmark-api-'))
  const port = await freePort()
  const socket = join(folder, 'api.sock')
  const door = join(folder, 'admin.sock')
  mkdirSync(join(folder, 'pki'))
  writeFileSync(
    join(folder, 'tokens.json'),
    JSON.stringify([{ token: 'topsecret', user: 'meshmark-admin', groups: ['system:masters'] }]),
  )
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      listen: { host: '127.0.0.1', port },
      socket,
      adminSocket: door,
      pkiDir: join(folder, 'pki'),
      tokensFile: join(folder, 'tokens.json'),
      serviceCidr: '10.96.0.0/16',
      podCidr: '10.244.0.0/16',
      clusterDomain: 'cluster.local',
      nodePortRange: [30_000, 32_767],
      masterAddress: '127.0.0.1',
    }),
  )
  const server = spawn(process.execPath, [program, join(folder, 'config.json')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (text: Buffer) => {
      if (text.includes('"ready"')) resolve()
    })
    server.once('exit', (code) => reject(new Error(`the API server ended with ${String(code)}`)))
  })
  const ca = readFileSync(join(folder, 'pki', 'ca.crt'), 'utf8')
  writeFileSync(
    join(folder, 'kubeconfig'),
    JSON.stringify({
      'current-context': 'x',
      contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
      clusters: [
        {
          name: 'x',
          cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': 'pki/ca.crt' },
        },
      ],
      users: [{ name: 'x', user: { token: 'topsecret' } }],
    }),
  )

  const snapshots: Snapshot[] = []
  const none = (): void => undefined
  const api = apiOf(await findAccess({ kubeconfig: join(folder, 'kubeconfig') }))
  const watch = new ClusterWatch({
    api,
    nodeName: 'edge-node-a',
    log: { debug: none, info: none, warn: none, error: none },
    onSnapshot: (snapshot) => void snapshots.push(snapshot),
    absentLookMs: 500,
    timing: { watchMs: 4000, emptyListConfirmMs: 3000, largestRetryMs: 1000 },
  })
  t.teardown(async () => {
    await watch.stop()
    api.close()
  })

  const write = async (method: string, path: string, body?: object): Promise<void> => {
    const text = await new Promise<string>((resolve, reject) => {
      const call = request(
        {
          socketPath: socket,
          servername: 'localhost',
          ca,
          method,
          path,
          headers: { authorization: 'Bearer topsecret', 'content-type': 'application/json' },
        },
        (answer) => {
          answer.resume()
          answer.once('end', () => resolve(String(answer.statusCode)))
        },
      )
      call.once('error', reject)
      call.end(body === undefined ? undefined : JSON.stringify(body))
    })
    assert.match(text, /^20/)
  }
  const addService = async (name: string): Promise<void> =>
    write('POST', '/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { ports: [{ name: 'http-0', port: 80 }] },
    })
  const fault = async (body: object): Promise<() => Promise<void>> => {
    const { id } = JSON.parse(await callDoor(door, 'POST', '/faults', body)) as { id: string }
    return async () => {
      await callDoor(door, 'DELETE', `/faults/${id}`)
    }
  }
  const names = (): readonly string[] => [...(snapshots.at(-1)?.services.keys() ?? [])]
  const sees = async (name: string): Promise<void> =>
    eventually(() => assert.ok(names().includes(`default/${name}`)), recoveryMs)

  t.test('the cluster is known soon, with the Services of the API itself', async (t) => {
    await eventually(async () => addService('first'), 10_000)
    await watch.start()
    await sees('first')
    t.match(snapshots.at(-1)?.services.get('default/first'), {
      type: 'ClusterIP',
      clusterIps: [/^10\.96\./],
      ports: [{ name: 'http-0', port: 80 }],
    })
    t.ok(watch.status.isSynced)
  })

  t.test('a slice written by hand gives its Service endpoints', async (t) => {
    await write('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: 'first-x',
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': 'first' },
      },
      addressType: 'IPv4',
      ports: [{ name: 'http-0', port: 8080, protocol: 'TCP' }],
      endpoints: [{ addresses: ['10.244.1.5'], conditions: { ready: true } }],
    })
    await eventually(() => {
      const [port] = snapshots.at(-1)?.services.get('default/first')?.ports ?? []
      assert.equal(port?.endpoints[0]?.address, '10.244.1.5')
    })
    t.pass()
  })

  const rulesPath = '/apis/networking.istio.io/v1beta1/namespaces/default/destinationrules'
  const rules = (): string =>
    (snapshots.at(-1)?.destinationRules ?? [])
      .map(({ name, policy }) => `${name} ${JSON.stringify(policy)}`)
      .join()
  const putRule = async (name: string, trafficPolicy: unknown): Promise<void> =>
    write('POST', rulesPath, {
      apiVersion: 'networking.istio.io/v1beta1',
      kind: 'DestinationRule',
      metadata: { name, namespace: 'default' },
      spec: { host: name, trafficPolicy },
    })
  const random = { loadBalancer: { simple: 'RANDOM' } }

  t.test('DestinationRules are followed as soon as their definition is there', async (t) => {
    t.equal(rules(), '')
    await write('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
    await eventually(async () => putRule('first', random), 10_000)
    await eventually(() => assert.equal(rules(), 'first "random"'), 10_000)
    await write('DELETE', `${rulesPath}/first`)
    await eventually(() => assert.equal(rules(), ''))
    t.pass()
  })

  t.test('they go with their definition, and come back with it', async (t) => {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    await putRule('second', random)
    await eventually(() => assert.equal(rules(), 'second "random"'))
    await write('DELETE', `${path}/${definition.metadata.name}`)
    await eventually(() => assert.equal(rules(), ''))
    await eventually(async () => write('POST', path, definition), 10_000)
    await eventually(async () => putRule('third', random), 10_000)
    await eventually(() => assert.equal(rules(), 'third "random"'), 10_000)
    t.ok(watch.status.isSynced)
  })

  for (const [i, body] of [
    { kind: 'status', status: 500 },
    { kind: 'status', status: 401 },
    { kind: 'status', status: 429 },
    { kind: 'garbage' },
    { kind: 'empty-list' },
    { kind: 'cut-watch' },
    { kind: 'stalled-watch' },
    { kind: 'refuse' },
    { kind: 'latency', delayMs: 2000 },
  ].entries())
    t.test(
      `${JSON.stringify(body)}: nothing is lost, and what changed shows afterwards`,
      async (t) => {
        const before = names()
        const heal = await fault(body)
        const healCompact = await fault({ kind: 'compact' })
        const healCut = await fault({ kind: 'cut-watch' })
        await healCut()
        await healCompact()
        await addService(`during-${i}`)
        const count = snapshots.length
        // long enough for some tries, and for an empty list to be asked for again
        await new Promise((resolve) => setTimeout(resolve, 2500))
        for (const snapshot of snapshots.slice(count))
          for (const name of before) if (!snapshot.services.has(name)) t.fail(`${name} was lost`)
        const healedAt = performance.now()
        await heal()
        await sees(`during-${i}`)
        t.comment(`shows ${(performance.now() - healedAt).toFixed(0)} ms after the recovery`)
        t.same(
          before.filter((name) => !names().includes(name)),
          [],
        )
      },
    )
}

/** What Istio's own definition says, without the schema of its fields. */
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'destinationrules.networking.istio.io' },
  spec: {
    group: 'networking.istio.io',
    names: {
      kind: 'DestinationRule',
      listKind: 'DestinationRuleList',
      plural: 'destinationrules',
      singular: 'destinationrule',
    },
    scope: 'Namespaced',
    versions: ['v1beta1', 'v1alpha3'].map((name, i) => ({
      name,
      served: true,
      storage: i === 0,
      schema: {
        openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    })),
  },
}

async function callDoor(
  socketPath: string,
  method: string,
  path: string,
  body?: object,
): Promise<string> {
  return await new Promise<string>((resolve, reject) => {
    const call = plainRequest({ socketPath, method, path }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => (text += part))
      answer.once('end', () => resolve(text))
    })
    call.once('error', reject)
    call.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  return await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
