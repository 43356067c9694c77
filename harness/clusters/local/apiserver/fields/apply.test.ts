/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return -- why: these tests look at whatever JSON the server sent */
import t, { type Test } from 'tap'
import { startTestServer } from '../testing/harness.ts'
import type { Answer, TestServer } from '../testing/harness.ts'

const deployments = '/apis/apps/v1/namespaces/default/deployments'

async function start(test: Test, now?: () => Date): Promise<TestServer> {
  const server = await startTestServer(now === undefined ? {} : { now })
  test.teardown(() => server[Symbol.asyncDispose]())
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } })
  return server
}

function apply(
  { call }: TestServer,
  manager: string,
  body: object,
  more = '',
  path = `${deployments}/web`,
): Promise<Answer> {
  return call('PATCH', `${path}?fieldManager=${manager}${more}`, {
    body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, ...body },
    contentType: 'application/apply-patch+yaml',
  })
}

const container = (image: string, more = {}) => ({
  spec: { template: { spec: { containers: [{ name: 'nginx', image, ...more }] } } },
})

interface Entry {
  readonly manager: string
  readonly operation: string
  readonly subresource?: string
  readonly fieldsV1: object
}

const fieldsOf = (answer: Answer, manager: string) =>
  (answer.json.metadata.managedFields as readonly Entry[]).find((one) => one.manager === manager)

await t.test('an apply creates, and owns exactly what it says', async (t) => {
  let minutes = 0
  const server = await start(t, () => new Date(Date.UTC(2030, 0, 1, 0, (minutes += 1))))
  const made = await apply(server, 'me', {
    ...container('nginx:1', { ports: [{ containerPort: 80 }] }),
    metadata: { name: 'web', labels: { app: 'web' } },
  })
  t.equal(made.status, 201)
  t.match(fieldsOf(made, 'me'), { operation: 'Apply', apiVersion: 'apps/v1' })
  t.same(fieldsOf(made, 'me')?.fieldsV1, {
    'f:metadata': { 'f:labels': { 'f:app': {} } },
    'f:spec': {
      'f:template': {
        'f:spec': {
          'f:containers': {
            'k:{"name":"nginx"}': {
              '.': {},
              'f:image': {},
              'f:name': {},
              'f:ports': {
                'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
              },
            },
          },
        },
      },
    },
  })
  const again = await apply(server, 'me', {
    ...container('nginx:1', { ports: [{ containerPort: 80 }] }),
    metadata: { name: 'web', labels: { app: 'web' } },
  })
  t.equal(again.status, 200)
  t.equal(again.json.metadata.resourceVersion, made.json.metadata.resourceVersion, 'idempotent')
})

await t.test('changing what another manager owns is a conflict that names the field', async (t) => {
  const server = await start(t)
  await apply(server, 'one', container('nginx:1'))
  const refused = await apply(server, 'two', container('nginx:2'))
  t.equal(refused.status, 409)
  t.same(refused.json, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message:
      'Apply failed with 1 conflict: conflict with "one": .spec.template.spec.containers[name="nginx"].image',
    reason: 'Conflict',
    details: {
      causes: [
        {
          reason: 'FieldManagerConflict',
          message: 'conflict with "one"',
          field: '.spec.template.spec.containers[name="nginx"].image',
        },
      ],
    },
    code: 409,
  })
  const shared = await apply(server, 'two', container('nginx:1'))
  t.equal(shared.status, 200, 'the same value is no conflict: both own it then')
  const forced = await apply(server, 'two', container('nginx:2'), '&force=true')
  t.equal(forced.status, 200)
  t.equal(forced.json.spec.template.spec.containers[0].image, 'nginx:2')
  t.notMatch(JSON.stringify(fieldsOf(forced, 'one')?.fieldsV1), /image/)
})

await t.test('conflicts with several managers are grouped by manager', async (t) => {
  const server = await start(t)
  await apply(server, 'one', { spec: { replicas: 1, paused: false } })
  await server.call('PATCH', `${deployments}/web?fieldManager=kubectl-edit`, {
    body: { metadata: { labels: { a: '1' } } },
    contentType: 'application/merge-patch+json',
  })
  const refused = await apply(server, 'two', {
    metadata: { name: 'web', labels: { a: '2' } },
    spec: { replicas: 2, paused: true },
  })
  t.match(
    refused.json.message,
    /^Apply failed with 3 conflicts: conflicts with "kubectl-edit" using apps\/v1 at \S+Z:\n- \.metadata\.labels\.a\nconflicts with "one":\n- \.spec\.\w+\n- \.spec\.\w+$/,
  )
})

await t.test('what an applier no longer says is removed, unless another owns it', async (t) => {
  const server = await start(t)
  const labels = (names: readonly string[]) => ({
    metadata: { name: 'web', labels: Object.fromEntries(names.map((name) => [name, 'x'])) },
  })
  await apply(server, 'one', { ...labels(['a', 'b', 'c']), spec: { replicas: 3 } })
  await apply(server, 'two', labels(['b']))
  const less = await apply(server, 'one', labels(['a']))
  t.same(less.json.metadata.labels, { a: 'x', b: 'x' })
  t.equal(less.json.spec?.replicas ?? 1, 1, 'the default comes back')
})

await t.test('items of associative lists are owned one by one', async (t) => {
  const server = await start(t)
  const env = (...names: readonly string[]) =>
    container('nginx:1', { env: names.map((name) => ({ name, value: name })) })
  await apply(server, 'one', env('A', 'B'))
  const both = await apply(server, 'two', env('C'))
  const envOf = (answer: Answer) =>
    answer.json.spec.template.spec.containers[0].env.map((item: { name: string }) => item.name)
  t.same(envOf(both).sort(), ['A', 'B', 'C'])
  t.same(envOf(await apply(server, 'one', env('B'))).sort(), ['B', 'C'])
  const keyless = await apply(server, 'one', { spec: { template: { spec: { containers: [{}] } } } })
  t.equal(keyless.status, 400)
  t.match(
    keyless.json.message,
    /\.spec\.template\.spec\.containers: element 0: associative list with keys has an element that omits key field "name"/,
  )
})

await t.test('updates own what they change; scale and status are told apart', async (t) => {
  const server = await start(t)
  await apply(server, 'one', { spec: { replicas: 1 } })
  const merge = { contentType: 'application/merge-patch+json' }
  await server.call('PATCH', `${deployments}/web/scale?fieldManager=hpa`, {
    ...merge,
    body: { spec: { replicas: 5 } },
  })
  const reported = await server.call('PATCH', `${deployments}/web/status?fieldManager=ctl`, {
    ...merge,
    body: { status: { replicas: 5 } },
  })
  t.match(fieldsOf(reported, 'hpa'), {
    operation: 'Update',
    subresource: 'scale',
    fieldsV1: { 'f:spec': { 'f:replicas': {} } },
  })
  t.match(fieldsOf(reported, 'ctl'), {
    subresource: 'status',
    fieldsV1: { 'f:status': { 'f:replicas': {} } },
  })
  const refused = await apply(server, 'one', { spec: { replicas: 1 } })
  t.match(
    refused.json.message,
    /^Apply failed with 1 conflict: conflict with "hpa" with subresource "scale" using apps\/v1 at \S+: \.spec\.replicas$/,
  )
})

await t.test('an apply without a manager, or with managed fields, is refused', async (t) => {
  const server = await start(t)
  const nameless = await apply(server, '', {})
  t.equal(nameless.status, 422)
  t.match(nameless.json.message, /fieldManager: Required value: is required for apply patch/)
  const meddling = await apply(server, 'me', { metadata: { name: 'web', managedFields: [] } })
  t.equal(meddling.status, 400)
  t.match(meddling.json.message, /metadata\.managedFields must be nil/)
  const merge = await server.call('PATCH', `${deployments}/web?force=true`, {
    body: {},
    contentType: 'application/merge-patch+json',
  })
  t.equal(merge.status, 400)
})

await t.test('managed fields can be rewritten and cleared, but not lost by accident', async (t) => {
  const server = await start(t)
  const made = await apply(server, 'one', { spec: { replicas: 1 } })
  const at = `${deployments}/web`
  const { managedFields, ...metadata } = made.json.metadata
  t.ok(managedFields)
  const kept = await server.call('PUT', at, { body: { ...made.json, metadata } })
  t.ok(fieldsOf(kept, 'one'), 'who does not know them does not delete them')
  const cleared = await server.call('PUT', at, {
    body: { ...kept.json, metadata: { ...kept.json.metadata, managedFields: [{}] } },
  })
  t.equal(cleared.json.metadata.managedFields, undefined)
})
