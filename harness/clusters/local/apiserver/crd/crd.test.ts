/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call -- why: these tests look at whatever JSON the server sent */
import t, { type Test } from 'tap'
import { startTestServer } from '../testing/harness.ts'
import type { TestServer } from '../testing/harness.ts'

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const gateways = '/apis/mesh.example.org/v1/namespaces/default/gateways'

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['hosts'],
      properties: {
        hosts: {
          type: 'array',
          minItems: 1,
          items: { type: 'string', pattern: '^[a-z.*]+$' },
        },
        mode: { type: 'string', enum: ['SIMPLE', 'MUTUAL'], default: 'SIMPLE' },
        port: { type: 'integer', minimum: 1, maximum: 65_535 },
        target: { 'x-kubernetes-int-or-string': true },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        replicas: { type: 'integer' },
      },
    },
    status: {
      type: 'object',
      properties: { phase: { type: 'string' }, replicas: { type: 'integer' } },
    },
  },
}

const definition = {
  metadata: { name: 'gateways.mesh.example.org' },
  spec: {
    group: 'mesh.example.org',
    scope: 'Namespaced',
    names: { plural: 'gateways', kind: 'Gateway', shortNames: ['gw'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
        additionalPrinterColumns: [
          { name: 'Hosts', type: 'string', jsonPath: '.spec.hosts' },
          { name: 'Mode', type: 'string', jsonPath: '.spec.mode', priority: 1 },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
      },
      { name: 'v1beta1', served: true, storage: false, schema: { openAPIV3Schema: schema } },
    ],
  },
}

const gateway = (name: string, spec: object) => ({
  apiVersion: 'mesh.example.org/v1',
  kind: 'Gateway',
  metadata: { name },
  spec,
})

async function start(test: Test): Promise<TestServer> {
  const server = await startTestServer()
  test.teardown(() => server[Symbol.asyncDispose]())
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } })
  test.equal((await server.call('POST', crds, { body: definition })).status, 201)
  return server
}

await t.test('a definition is established, discovered and served at once', async (t) => {
  const { call } = await start(t)
  const crd = await call('GET', `${crds}/gateways.mesh.example.org`)
  t.match(crd.json, {
    spec: { names: { singular: 'gateway', listKind: 'GatewayList' } },
    status: {
      conditions: [
        { type: 'NamesAccepted', status: 'True' },
        { type: 'Established', status: 'True' },
      ],
      acceptedNames: { kind: 'Gateway', plural: 'gateways' },
      storedVersions: ['v1'],
    },
  })
  const discovered = await call('GET', '/apis/mesh.example.org/v1')
  t.match(discovered.json.resources, [
    { name: 'gateways', kind: 'Gateway', namespaced: true, shortNames: ['gw'] },
    { name: 'gateways/status' },
    { name: 'gateways/scale', kind: 'Scale' },
  ])
  t.match((await call('GET', '/apis/mesh.example.org')).json, {
    preferredVersion: { groupVersion: 'mesh.example.org/v1' },
  })
  const made = await call('POST', gateways, { body: gateway('g', { hosts: ['*'] }) })
  t.equal(made.status, 201)
  t.match(made.json, { metadata: { generation: 1 }, spec: { mode: 'SIMPLE' } }, 'defaults')
  const other = await call('GET', gateways.replace('/v1/', '/v1beta1/'))
  t.match(other.json, {
    kind: 'GatewayList',
    apiVersion: 'mesh.example.org/v1beta1',
    items: [{ apiVersion: 'mesh.example.org/v1beta1' }],
  })
})

await t.test('objects are held against their schema', async (t) => {
  const { call } = await start(t)
  const cases: readonly (readonly [object, string])[] = [
    [{}, 'spec.hosts: Required value'],
    [
      { hosts: [] },
      'spec.hosts: Invalid value: 0: spec.hosts in body should have at least 1 items',
    ],
    [
      { hosts: 'a' },
      'spec.hosts: Invalid value: "a": spec.hosts in body must be of type array: "string"',
    ],
    [
      { hosts: ['A'] },
      `spec.hosts[0]: Invalid value: "A": spec.hosts[0] in body should match '^[a-z.*]+$'`,
    ],
    [
      { hosts: ['a'], mode: 'NONE' },
      'spec.mode: Unsupported value: "NONE": supported values: "SIMPLE", "MUTUAL"',
    ],
    [
      { hosts: ['a'], port: 0 },
      'spec.port: Invalid value: 0: spec.port in body should be greater than or equal to 1',
    ],
    [
      { hosts: ['a'], target: true },
      'spec.target: Invalid value: true: spec.target in body must be of type integer,string: "boolean"',
    ],
    [
      { hosts: ['a'], labels: { x: 1 } },
      'spec.labels.x: Invalid value: 1: spec.labels.x in body must be of type string: "number"',
    ],
  ]
  for (const [spec, message] of cases) {
    const answer = await call('POST', gateways, { body: gateway('bad', spec) })
    t.equal(answer.status, 422)
    t.equal(
      answer.json.message,
      `Gateway.mesh.example.org "bad" is invalid: ${message}`,
      JSON.stringify(spec),
    )
  }
})

await t.test('unknown fields are pruned unless they are to be preserved', async (t) => {
  const { call } = await start(t)
  const spec = { hosts: ['a'], unknown: 1, free: { any: { thing: [1] } }, target: '80%' }
  const made = await call('POST', gateways, { body: gateway('g', spec) })
  t.same(made.json.spec, {
    hosts: ['a'],
    free: { any: { thing: [1] } },
    target: '80%',
    mode: 'SIMPLE',
  })
  t.match(made.headers['warning'], /unknown field \\"spec\.unknown\\"/)
  const strict = await call('POST', `${gateways}?fieldValidation=Strict`, {
    body: gateway('s', spec),
  })
  t.equal(strict.status, 400)
})

await t.test('status and scale have their doors, strategic merge has none', async (t) => {
  const { call } = await start(t)
  const body = { ...gateway('g', { hosts: ['a'], replicas: 1 }), status: { phase: 'sent' } }
  const made = await call('POST', gateways, { body })
  t.equal(made.json.status, undefined)
  const merge = { contentType: 'application/merge-patch+json' }
  const reported = await call('PATCH', `${gateways}/g/status`, {
    ...merge,
    body: { spec: { hosts: ['b'] }, status: { phase: 'Ready' } },
  })
  t.match(reported.json, {
    metadata: { generation: 1 },
    spec: { hosts: ['a'] },
    status: { phase: 'Ready' },
  })
  await call('PATCH', `${gateways}/g/scale`, { ...merge, body: { spec: { replicas: 3 } } })
  t.match((await call('GET', `${gateways}/g`)).json, {
    metadata: { generation: 2 },
    spec: { replicas: 3 },
  })
  const strategic = await call('PATCH', `${gateways}/g`, {
    body: {},
    contentType: 'application/strategic-merge-patch+json',
  })
  t.equal(strategic.status, 415)
})

await t.test('tables show the printer columns', async (t) => {
  const { call } = await start(t)
  await call('POST', gateways, { body: gateway('g', { hosts: ['a', 'b'] }) })
  const { json } = await call('GET', gateways, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  })
  t.same(
    json.columnDefinitions.map((column: { name: string }) => column.name),
    ['Name', 'Hosts', 'Mode', 'Age'],
  )
  t.match(json.rows[0].cells, ['g', '["a","b"]', 'SIMPLE', /^\d+s$/])
})

await t.test('deleting a definition deletes its objects, also those with finalizers', async (t) => {
  const server = await start(t)
  const { call } = server
  await call('POST', gateways, { body: gateway('g', { hosts: ['a'] }) })
  const held = gateway('held', { hosts: ['a'] })
  Object.assign(held.metadata, { finalizers: ['example.org/hold'] })
  await call('POST', gateways, { body: held })
  using watch = await server.watch(`${crds}?watch=true`)
  await watch.next()
  const deleted = await call('DELETE', `${crds}/gateways.mesh.example.org`)
  t.ok(deleted.json.metadata.deletionTimestamp)
  const left = await call('GET', gateways)
  t.match(left.json.items, [{ metadata: { name: 'held', deletionTimestamp: String } }])
  await call('PATCH', `${gateways}/held`, {
    body: { metadata: { finalizers: null } },
    contentType: 'application/merge-patch+json',
  })
  for (let event = await watch.next(); event.type !== 'DELETED'; event = await watch.next());
  t.equal((await call('GET', gateways)).status, 404)
  t.equal((await call('POST', crds, { body: definition })).status, 201, 'it can come again')
})

await t.test('definitions that make no sense are refused', async (t) => {
  const { call } = await start(t)
  const { spec } = definition
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ ...spec, group: 'other.org' }, /metadata\.name: .*must be spec\.names\.plural/],
    [{ ...spec, scope: 'Galaxy' }, /spec\.scope: Unsupported value: "Galaxy"/],
    [{ ...spec, versions: [] }, /must have exactly one version marked as storage version/],
    [
      { ...spec, versions: [{ name: 'v1', served: true, storage: true }] },
      /spec\.versions\[0\]\.schema\.openAPIV3Schema: Required value: schemas are required/,
    ],
  ]
  for (const [wrong, message] of cases) {
    const answer = await call('POST', crds, { body: { ...definition, spec: wrong } })
    t.equal(answer.status, 422)
    t.match(answer.json.message, message)
  }
})
