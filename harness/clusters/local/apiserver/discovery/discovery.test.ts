/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-assignment -- why: these tests look at whatever JSON the server sent */
import t from 'tap'
import { startTestServer } from '../testing/harness.ts'
import { compareVersions } from './groups.ts'

await t.test('discovery lists groups, versions, resources and subresources', async (t) => {
  const server = await startTestServer()
  t.teardown(() => server[Symbol.asyncDispose]())
  const { call } = server
  t.match((await call('GET', '/api')).json, { kind: 'APIVersions', versions: ['v1'] })
  const groups = await call('GET', '/apis')
  t.ok(groups.json.groups.some((group: { name: string }) => group.name === 'apps'))
  const apps = await call('GET', '/apis/apps/v1')
  t.match(apps.json, {
    kind: 'APIResourceList',
    groupVersion: 'apps/v1',
    resources: [
      {
        name: 'deployments',
        singularName: 'deployment',
        kind: 'Deployment',
        shortNames: ['deploy'],
      },
      { name: 'deployments/status' },
      { name: 'deployments/scale', group: 'autoscaling', version: 'v1', kind: 'Scale' },
    ],
  })
  t.equal((await call('GET', '/apis/nope/v1')).text, '404 page not found\n')

  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  const aggregated = await call('GET', '/apis', { accept: `${accept},application/json` })
  t.equal(aggregated.headers['content-type'], accept)
  t.match(aggregated.json, {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    items: [
      {
        metadata: { name: 'apps' },
        versions: [
          {
            version: 'v1',
            freshness: 'Current',
            resources: [
              {
                resource: 'deployments',
                responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
                scope: 'Namespaced',
              },
            ],
          },
        ],
      },
    ],
  })
})

await t.test('openapi tells which writes know field validation', async (t) => {
  const server = await startTestServer()
  t.teardown(() => server[Symbol.asyncDispose]())
  const { call } = server
  const index = await call('GET', '/openapi/v3')
  const { serverRelativeURL } = index.json.paths['apis/apps/v1']
  const document = await call('GET', serverRelativeURL as string)
  const path = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}'
  t.match(document.json.paths[path].patch, {
    parameters: [{ name: 'dryRun' }, { name: 'fieldManager' }, { name: 'fieldValidation' }],
    'x-kubernetes-group-version-kind': { group: 'apps', version: 'v1', kind: 'Deployment' },
  })
  const protobuf = await call('GET', '/openapi/v2', {
    accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  })
  t.equal(protobuf.text, '', 'old kubectl reads an empty message as an empty document')
})

await t.test('versions are ordered as clients should prefer them', (t) => {
  const shuffled = ['v1alpha3', 'foo', 'v1', 'v1beta2', 'v2', 'v1beta10', 'v10']
  t.same(shuffled.sort(compareVersions), [
    'v10',
    'v2',
    'v1',
    'v1beta10',
    'v1beta2',
    'v1alpha3',
    'foo',
  ])
  t.end()
})
