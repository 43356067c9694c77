import t from 'tap'
import { duplicateFields } from './duplicate-fields.ts'
import { negotiate, parseAccept } from './media-type.ts'
import { parseResourcePath } from './request-path.ts'

await t.test('paths are read as resources, namespaces and subresources', (t) => {
  const pods = { group: '', version: 'v1', plural: 'pods' }
  const cases: readonly (readonly [string, object | undefined])[] = [
    ['/api/v1/pods', { ...pods, namespace: undefined, name: undefined }],
    ['/api/v1/namespaces/a/pods/b', { ...pods, namespace: 'a', name: 'b' }],
    ['/api/v1/namespaces/a/pods/b/log', { ...pods, name: 'b', subresource: 'log' }],
    ['/api/v1/namespaces/a', { plural: 'namespaces', namespace: undefined, name: 'a' }],
    ['/api/v1/namespaces/a/status', { plural: 'namespaces', name: 'a', subresource: 'status' }],
    ['/api/v1/namespaces/a/finalize', { plural: 'namespaces', subresource: 'finalize' }],
    ['/api/v1/watch/pods', { ...pods, isWatchPath: true }],
    [
      '/api/v1/nodes/n/proxy/a/b',
      { plural: 'nodes', name: 'n', subresource: 'proxy', rest: 'a/b' },
    ],
    [
      '/apis/apps/v1/namespaces/a/deployments/d/scale',
      { group: 'apps', plural: 'deployments', subresource: 'scale' },
    ],
    ['/api/v1/namespaces/a%2Fb/pods', { namespace: 'a/b' }],
    ['/api', undefined],
    ['/api/v1', undefined],
    ['/apis/apps/v1', undefined],
    ['/healthz', undefined],
    ['/api/v1/%zz', undefined],
  ]
  for (const [path, expected] of cases) {
    const parsed = parseResourcePath(path)
    if (expected === undefined) t.equal(parsed, undefined, path)
    else t.match(parsed, expected, path)
  }
  t.end()
})

await t.test('answers are negotiated clause by clause', (t) => {
  const plain = { allowsViews: true, isPretty: false }
  t.match(negotiate(undefined, plain), { encoding: 'json', view: 'object' })
  t.match(negotiate('*/*', plain), { encoding: 'json' })
  t.match(negotiate('application/yaml', plain), { encoding: 'yaml' })
  t.match(negotiate('application/vnd.kubernetes.protobuf,application/json', plain), {
    encoding: 'json',
  })
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  t.match(negotiate(`${table},application/json`, plain), { view: 'table', metaVersion: 'v1' })
  t.match(negotiate(`${table},application/json`, { ...plain, allowsViews: false }), {
    view: 'object',
  })
  t.throws(() => negotiate('application/vnd.kubernetes.protobuf', plain), { code: 406 })
  t.throws(() => negotiate('application/json;as=Galaxy;v=v1;g=meta.k8s.io', plain), { code: 406 })
  t.same(
    parseAccept('a/b;q=0.1, c/d, e/f;q=0').map((clause) => clause.type),
    ['c/d', 'a/b'],
  )
  t.end()
})

await t.test('fields that are named twice are found wherever they are', (t) => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['{"a":1,"b":{"a":2}}', []],
    ['{"a":1,"a":2,"a":3}', ['duplicate field "a"']],
    ['{"spec":{"ports":[{"x":1},{"x":1,"x":2}]}}', ['duplicate field "spec.ports[1].x"']],
    ['{"a":"a\\":\\"","b":["a","a"],"c":":"}', []],
    ['{"\\u0061":1,"a":2}', ['duplicate field "a"']],
  ]
  for (const [text, expected] of cases) t.same(duplicateFields(text), expected, text)
  t.end()
})
