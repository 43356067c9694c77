/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call -- why: these tests look at whatever JSON the server sent */
import t, { type Test } from 'tap'
import { startTestServer } from './testing/harness.ts'
import type { TestServer } from './testing/harness.ts'

const configMaps = '/api/v1/namespaces/default/configmaps'
const deployments = '/apis/apps/v1/namespaces/default/deployments'

async function serverWithNamespace(test: Test): Promise<TestServer> {
  const server = await startTestServer()
  test.teardown(() => server[Symbol.asyncDispose]())
  const namespace = { metadata: { name: 'default' } }
  await server.call('POST', '/api/v1/namespaces', { body: namespace })
  return server
}

const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
})

await t.test('requests without a known token get a 401 Status', async (t) => {
  const { call } = await serverWithNamespace(t)
  for (const token of [null, 'wrong', 'a.b.c']) {
    const answer = await call('GET', configMaps, { token })
    t.equal(answer.status, 401)
    t.match(answer.json, { kind: 'Status', status: 'Failure', reason: 'Unauthorized', code: 401 })
  }
  t.equal((await call('GET', '/version', { token: null })).json.gitVersion, 'v1.34.0')
  for (const path of ['/healthz', '/livez', '/readyz']) {
    t.equal((await call('GET', path, { token: null })).text, 'ok')
  }
})

await t.test('an object can be created, read, replaced and deleted', async (t) => {
  const { call } = await serverWithNamespace(t)
  const created = await call('POST', configMaps, { body: configMap('a', { x: '1' }) })
  t.equal(created.status, 201)
  t.match(created.json.metadata, {
    name: 'a',
    namespace: 'default',
    uid: /^[0-9a-f-]{36}$/,
    resourceVersion: /^\d+$/,
    creationTimestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  })
  const read = await call('GET', `${configMaps}/a`)
  t.same(read.json, created.json)

  const replaced = await call('PUT', `${configMaps}/a`, {
    body: { ...read.json, data: { x: '2' } },
  })
  t.equal(replaced.status, 200)
  t.equal(replaced.json.metadata.uid, created.json.metadata.uid)
  t.not(replaced.json.metadata.resourceVersion, created.json.metadata.resourceVersion)

  const again = await call('PUT', `${configMaps}/a`, { body: replaced.json })
  t.equal(
    again.json.metadata.resourceVersion,
    replaced.json.metadata.resourceVersion,
    'a write that changes nothing makes no new version',
  )
  const deleted = await call('DELETE', `${configMaps}/a`)
  t.match(deleted.json, {
    kind: 'Status',
    status: 'Success',
    details: { name: 'a', kind: 'configmaps', uid: created.json.metadata.uid },
  })
  t.equal((await call('GET', `${configMaps}/a`)).status, 404)
})

await t.test('failures carry the Status of the real server', async (t) => {
  const { call } = await serverWithNamespace(t)
  await call('POST', configMaps, { body: configMap('a') })
  const cases: readonly {
    readonly what: string
    readonly request: Parameters<TestServer['call']>
    readonly status: number
    readonly reason: string
    readonly message: string | RegExp
  }[] = [
    {
      what: 'absent',
      request: ['GET', `${configMaps}/nope`],
      status: 404,
      reason: 'NotFound',
      message: 'configmaps "nope" not found',
    },
    {
      what: 'absent outside the core group',
      request: ['GET', `${deployments}/nope`],
      status: 404,
      reason: 'NotFound',
      message: 'deployments.apps "nope" not found',
    },
    {
      what: 'unknown resource',
      request: ['GET', '/api/v1/namespaces/default/widgets'],
      status: 404,
      reason: 'NotFound',
      message: 'the server could not find the requested resource',
    },
    {
      what: 'exists',
      request: ['POST', configMaps, { body: configMap('a') }],
      status: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
    },
    {
      what: 'namespace does not exist',
      request: ['POST', '/api/v1/namespaces/nope/configmaps', { body: configMap('a') }],
      status: 404,
      reason: 'NotFound',
      message: 'namespaces "nope" not found',
    },
    {
      what: 'other namespace in the body',
      request: [
        'POST',
        configMaps,
        { body: { ...configMap('a'), metadata: { name: 'a', namespace: 'other' } } },
      ],
      status: 400,
      reason: 'BadRequest',
      message:
        'the namespace of the provided object does not match the namespace sent on the request',
    },
    {
      what: 'other name in the body',
      request: ['PUT', `${configMaps}/a`, { body: configMap('b') }],
      status: 400,
      reason: 'BadRequest',
      message: 'the name of the object (b) does not match the name on the URL (a)',
    },
    {
      what: 'bad name',
      request: ['POST', configMaps, { body: configMap('A_b') }],
      status: 422,
      reason: 'Invalid',
      message:
        /^ConfigMap "A_b" is invalid: metadata\.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain/,
    },
    {
      what: 'no name',
      request: ['POST', configMaps, { body: { metadata: {} } }],
      status: 422,
      reason: 'Invalid',
      message:
        'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    },
    {
      what: 'bad label',
      request: [
        'POST',
        configMaps,
        { body: { metadata: { name: 'l', labels: { 'a b': 'c', d: '-' } } } },
      ],
      status: 422,
      reason: 'Invalid',
      message: /metadata\.labels: Invalid value: "a b": name part must consist of/,
    },
    {
      what: 'no JSON',
      request: ['POST', configMaps, { body: '{"metadata":' }],
      status: 400,
      reason: 'BadRequest',
      message: /json parse error/,
    },
    {
      what: 'unknown media type',
      request: ['POST', configMaps, { body: 'x', contentType: 'text/plain' }],
      status: 415,
      reason: 'UnsupportedMediaType',
      message: /^the body of the request was in an unknown format - accepted media types include:/,
    },
    {
      what: 'unacceptable answer',
      request: ['GET', configMaps, { accept: 'text/html' }],
      status: 406,
      reason: 'NotAcceptable',
      message: 'only the following media types are accepted: application/json, application/yaml',
    },
    {
      what: 'method',
      request: ['PUT', configMaps, { body: configMap('a') }],
      status: 405,
      reason: 'MethodNotAllowed',
      message: 'the server does not allow this method on the requested resource',
    },
    {
      what: 'wrong kind',
      request: ['POST', configMaps, { body: { kind: 'Pod', apiVersion: 'v1' } }],
      status: 400,
      reason: 'BadRequest',
      message: /^Pod in version "v1" cannot be handled as a ConfigMap/,
    },
    {
      what: 'wrong version',
      request: ['POST', deployments, { body: { kind: 'Deployment', apiVersion: 'apps/v2' } }],
      status: 400,
      reason: 'BadRequest',
      message:
        'the API version in the data (apps/v2) does not match the expected API version (apps/v1)',
    },
    {
      what: 'body of more than 3 MiB',
      request: ['POST', configMaps, { body: configMap('big', { x: 'x'.repeat(3 * 1024 * 1024) }) }],
      status: 413,
      reason: 'RequestEntityTooLarge',
      message: 'Request entity too large: limit is 3145728',
    },
  ]
  for (const { what, request, status, reason, message } of cases) {
    const answer = await call(...request)
    t.equal(answer.status, status, what)
    t.match(answer.json, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status })
    t.equal(answer.json.reason, reason, `${what}: reason`)
    t.match(answer.json.message, message, `${what}: message`)
  }
})

await t.test('an invalid field is told with its path, reason and value', async (t) => {
  const { call } = await serverWithNamespace(t)
  const body = { metadata: { name: 'd' }, spec: { replicas: -1 } }
  const answer = await call('POST', deployments, { body })
  t.equal(answer.status, 422)
  t.same(answer.json, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message:
      'Deployment.apps "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    reason: 'Invalid',
    details: {
      name: 'd',
      group: 'apps',
      kind: 'Deployment',
      causes: [
        {
          reason: 'FieldValueInvalid',
          message: 'Invalid value: -1: must be greater than or equal to 0',
          field: 'spec.replicas',
        },
      ],
    },
    code: 422,
  })
})

await t.test('writes with an old resourceVersion or another uid conflict', async (t) => {
  const { call } = await serverWithNamespace(t)
  const { json: old } = await call('POST', configMaps, { body: configMap('a') })
  await call('PUT', `${configMaps}/a`, { body: { ...old, data: { x: '1' } } })
  const conflict = await call('PUT', `${configMaps}/a`, { body: { ...old, data: { x: '2' } } })
  t.equal(conflict.status, 409)
  t.match(conflict.json, {
    reason: 'Conflict',
    message:
      'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    details: { name: 'a', kind: 'configmaps' },
  })
  const blind = await call('PUT', `${configMaps}/a`, { body: configMap('a', { x: '3' }) })
  t.equal(blind.status, 200, 'an update without a version is unconditional')

  for (const preconditions of [{ uid: 'other' }, { resourceVersion: '1' }]) {
    const refused = await call('DELETE', `${configMaps}/a`, { body: { preconditions } })
    t.equal(refused.status, 409)
    t.match(refused.json.message, /in the precondition .* does not match the .* in record/)
  }
})

await t.test('generateName makes a name; dry runs store nothing', async (t) => {
  const { call } = await serverWithNamespace(t)
  const body = { metadata: { generateName: 'run-' } }
  const { json } = await call('POST', configMaps, { body })
  t.match(json.metadata.name, /^run-[a-z0-9]{5}$/)
  const dry = await call('POST', `${configMaps}?dryRun=All`, { body: configMap('dry') })
  t.equal(dry.status, 201)
  t.ok(dry.json.metadata.uid)
  t.equal((await call('GET', `${configMaps}/dry`)).status, 404)
  t.equal((await call('DELETE', `${configMaps}/${json.metadata.name}?dryRun=All`)).status, 200)
  t.equal((await call('GET', `${configMaps}/${json.metadata.name}`)).status, 200)
  t.equal((await call('POST', `${configMaps}?dryRun=Some`, { body })).status, 422)
})

await t.test('generation counts changes of spec; status has a door of its own', async (t) => {
  const { call } = await serverWithNamespace(t)
  const at = `${deployments}/d`
  const spec = { replicas: 1, template: {} }
  const made = await call('POST', deployments, { body: { metadata: { name: 'd' }, spec } })
  t.equal(made.json.metadata.generation, 1)
  const both = { ...made.json, spec: { ...spec, replicas: 2 }, status: { replicas: 9 } }
  const changed = await call('PUT', at, { body: both })
  t.equal(changed.json.metadata.generation, 2)
  t.equal(changed.json.status, undefined, 'an update does not touch status')
  const reported = await call('PUT', `${at}/status`, {
    body: { ...changed.json, spec: { ...spec, replicas: 7 }, status: { replicas: 2 } },
  })
  t.match(reported.json, {
    metadata: { generation: 2 },
    spec: { replicas: 2 },
    status: { replicas: 2 },
  })
  t.same((await call('GET', `${at}/status`)).json, reported.json)
})

await t.test('scale shows and sets the replicas', async (t) => {
  const { call } = await serverWithNamespace(t)
  const spec = { replicas: 1, selector: { matchLabels: { app: 'a' } } }
  await call('POST', deployments, { body: { metadata: { name: 'd' }, spec } })
  const scale = await call('GET', `${deployments}/d/scale`)
  t.match(scale.json, {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name: 'd', namespace: 'default' },
    spec: { replicas: 1 },
    status: { replicas: 0, selector: 'app=a' },
  })
  const patched = await call('PATCH', `${deployments}/d/scale`, {
    body: { spec: { replicas: 4 } },
    contentType: 'application/merge-patch+json',
  })
  t.equal(patched.json.spec.replicas, 4)
  t.match((await call('GET', `${deployments}/d`)).json, {
    metadata: { generation: 2 },
    spec: { replicas: 4 },
  })
  const negative = { ...scale.json, metadata: { name: 'd' }, spec: { replicas: -1 } }
  t.equal((await call('PUT', `${deployments}/d/scale`, { body: negative })).status, 422)
})

await t.test('unknown fields and wrong types are treated as fieldValidation says', async (t) => {
  const { call } = await serverWithNamespace(t)
  const body = {
    metadata: { name: 'd' },
    spec: { foo: 1, template: { spec: { containers: [{ name: 'c', bar: 2 }] } } },
  }
  const strict = await call('POST', `${deployments}?fieldValidation=Strict`, { body })
  t.equal(strict.status, 400)
  t.equal(
    strict.json.message,
    'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.foo", unknown field "spec.template.spec.containers[0].bar"',
  )
  const warned = await call('POST', `${deployments}?fieldValidation=Warn`, { body })
  t.equal(warned.status, 201)
  t.equal(
    warned.headers['warning'],
    '299 - "unknown field \\"spec.foo\\"", 299 - "unknown field \\"spec.template.spec.containers[0].bar\\""',
  )
  t.equal(warned.json.spec.foo, undefined, 'unknown fields are not stored')
  const ignored = await call('PUT', `${deployments}/d?fieldValidation=Ignore`, { body })
  t.equal(ignored.status, 200)
  t.equal(ignored.headers['warning'], undefined)

  const wrong = await call('POST', deployments, {
    body: { metadata: { name: 'e' }, spec: { replicas: 'two' } },
  })
  t.equal(wrong.status, 400)
  t.equal(
    wrong.json.message,
    'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
  )
  const twice = '{"metadata":{"name":"f"},"spec":{"replicas":1,"replicas":2}}'
  const duplicate = await call('POST', `${deployments}?fieldValidation=Strict`, { body: twice })
  t.match(duplicate.json.message, /strict decoding error: duplicate field "spec\.replicas"$/)
})

await t.test('YAML bodies are read and YAML answers given', async (t) => {
  const { call } = await serverWithNamespace(t)
  const made = await call('POST', configMaps, {
    body: 'metadata:\n  name: y\ndata:\n  a: "1"\n',
    contentType: 'application/yaml',
    accept: 'application/yaml',
  })
  t.equal(made.status, 201)
  t.match(made.text, /^data:\n {2}a: "1"$/m)
})

await t.test('finalizers hold a deleted object until they are taken away', async (t) => {
  const { call } = await serverWithNamespace(t)
  const body = { metadata: { name: 'f', finalizers: ['example.org/hold'] } }
  await call('POST', configMaps, { body })
  const deleted = await call('DELETE', `${configMaps}/f`)
  t.match(deleted.json.metadata, { deletionTimestamp: String, deletionGracePeriodSeconds: 0 })
  const more = { ...deleted.json.metadata, finalizers: ['example.org/hold', 'example.org/new'] }
  t.match((await call('PUT', `${configMaps}/f`, { body: { metadata: more } })).json, {
    code: 422,
    message: /no new finalizers can be added if the object is being deleted/,
  })
  await call('PATCH', `${configMaps}/f`, {
    body: { metadata: { finalizers: null } },
    contentType: 'application/merge-patch+json',
  })
  t.equal((await call('GET', `${configMaps}/f`)).status, 404)
})

await t.test('propagation policies leave their finalizer to the garbage collector', async (t) => {
  const { call } = await serverWithNamespace(t)
  for (const [policy, finalizer] of [
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ]) {
    const name = `p-${String(policy).toLowerCase()}`
    await call('POST', configMaps, { body: configMap(name) })
    const body = { propagationPolicy: policy }
    const deleted = await call('DELETE', `${configMaps}/${name}`, { body })
    t.same(deleted.json.metadata.finalizers, [finalizer])
  }
  await call('POST', configMaps, { body: configMap('x') })
  t.equal((await call('DELETE', `${configMaps}/x?propagationPolicy=Sideways`)).status, 422)
})

await t.test(
  'a pod on a node is deleted gracefully, and at once with grace period 0',
  async (t) => {
    const { call } = await serverWithNamespace(t)
    const pods = '/api/v1/namespaces/default/pods'
    const pod = (name: string, nodeName?: string) => ({
      metadata: { name },
      spec: { containers: [{ name: 'c' }], ...(nodeName !== undefined && { nodeName }) },
    })
    await call('POST', pods, { body: pod('waiting') })
    await call('DELETE', `${pods}/waiting`)
    t.equal((await call('GET', `${pods}/waiting`)).status, 404)
    await call('POST', pods, { body: pod('running', 'node-a') })
    const first = await call('DELETE', `${pods}/running`)
    t.equal(first.json.metadata.deletionGracePeriodSeconds, 30)
    const shorter = await call('DELETE', `${pods}/running`, { body: { gracePeriodSeconds: 5 } })
    t.equal(shorter.json.metadata.deletionGracePeriodSeconds, 5)
    const longer = await call('DELETE', `${pods}/running`, { body: { gracePeriodSeconds: 60 } })
    t.equal(longer.json.metadata.deletionGracePeriodSeconds, 5, 'a second delete only shortens')
    await call('DELETE', `${pods}/running?gracePeriodSeconds=0`)
    t.equal((await call('GET', `${pods}/running`)).status, 404)
  },
)

await t.test('deletecollection deletes what a selector selects', async (t) => {
  const { call } = await serverWithNamespace(t)
  for (const name of ['a', 'b', 'c']) {
    const labels = { tier: name === 'c' ? 'back' : 'front' }
    await call('POST', configMaps, { body: { metadata: { name, labels } } })
  }
  const deleted = await call('DELETE', `${configMaps}?labelSelector=tier%3Dfront`)
  t.equal(deleted.json.items.length, 2)
  const left = await call('GET', configMaps)
  t.same(
    left.json.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ['c'],
  )
})

await t.test('nothing new gets into a namespace that is being deleted', async (t) => {
  const { call } = await serverWithNamespace(t)
  const body = { metadata: { name: 'going' }, spec: { finalizers: ['kubernetes'] } }
  await call('POST', '/api/v1/namespaces', { body })
  await call('DELETE', '/api/v1/namespaces/going')
  const refused = await call('POST', '/api/v1/namespaces/going/configmaps', {
    body: configMap('a'),
  })
  t.equal(refused.status, 403)
  t.match(refused.json, {
    message:
      'configmaps "a" is forbidden: unable to create new content in namespace going because it is being terminated',
    details: { causes: [{ reason: 'NamespaceTerminating' }] },
  })
  const finalize = '/api/v1/namespaces/going/finalize'
  const emptied = { ...body, spec: { finalizers: [] } }
  t.equal((await call('PUT', finalize, { body: emptied })).status, 200)
  t.equal((await call('GET', '/api/v1/namespaces/going')).status, 404)
})

await t.test('a pod is bound to a node once', async (t) => {
  const { call } = await serverWithNamespace(t)
  const pods = '/api/v1/namespaces/default/pods'
  const spec = { containers: [{ name: 'c' }] }
  await call('POST', pods, { body: { metadata: { name: 'p' }, spec } })
  const binding = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'edge-a' } }
  t.equal((await call('POST', `${pods}/p/binding`, { body: binding })).status, 201)
  t.match((await call('GET', `${pods}/p`)).json, {
    spec: { nodeName: 'edge-a' },
    status: { conditions: [{ type: 'PodScheduled', status: 'True' }] },
  })
  const again = await call('POST', `${pods}/p/binding`, { body: binding })
  t.equal(again.status, 409)
  t.match(again.json.message, /pod p is already assigned to node "edge-a"$/)
  t.equal((await call('POST', `${pods}/p/eviction`, { body: { metadata: {} } })).status, 201)
  t.ok((await call('GET', `${pods}/p`)).json.metadata.deletionTimestamp)
})

await t.test('service account tokens authenticate and end with their account', async (t) => {
  const { call } = await serverWithNamespace(t)
  const accounts = '/api/v1/namespaces/default/serviceaccounts'
  await call('POST', accounts, { body: { metadata: { name: 'sa' } } })
  const issued = await call('POST', `${accounts}/sa/token`, {
    body: { spec: { expirationSeconds: 600, audiences: ['x'] } },
  })
  t.equal(issued.status, 201)
  const { token } = issued.json.status
  const review = await call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    token,
    body: {},
  })
  t.equal(review.json.status.userInfo.username, 'system:serviceaccount:default:sa')
  const spec = { token }
  const reviewed = await call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    body: { spec },
  })
  t.match(reviewed.json.status, {
    authenticated: true,
    user: { groups: ['system:serviceaccounts', 'system:serviceaccounts:default'] },
  })
  t.equal((await call('GET', configMaps, { token: `${token.slice(0, -4)}AAAA` })).status, 401)
  await call('DELETE', `${accounts}/sa`)
  t.equal((await call('GET', configMaps, { token })).status, 401)
  const short = { spec: { expirationSeconds: 5 } }
  await call('POST', accounts, { body: { metadata: { name: 'sa' } } })
  t.equal((await call('POST', `${accounts}/sa/token`, { body: short })).status, 422)
})

await t.test('what provider local does not do, it says', async (t) => {
  const { call } = await serverWithNamespace(t)
  const answer = await call('GET', '/api/v1/namespaces/default/pods/p/portforward')
  t.equal(answer.status, 501)
  t.match(answer.json.message, /provider local does not serve port-forward; real clusters do/)
  const exec = '/api/v1/namespaces/default/pods/p/exec?command=ls'
  t.equal((await call('POST', exec)).json.message, 'Upgrade request required')
})
