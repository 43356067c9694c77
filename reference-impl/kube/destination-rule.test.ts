import t from 'tap'
import { destinationRule } from './destination-rule.ts'
import type { BalancePolicy } from './snapshot.ts'

const metadata = { name: 'web', namespace: 'default', creationTimestamp: '2026-11-01T00:00:00Z' }
const read = (spec: unknown): NonNullable<ReturnType<typeof destinationRule>> => {
  const rule = destinationRule({ metadata, spec })
  if (rule === undefined) throw new Error('the rule was not read')
  return rule
}
const balanced = (loadBalancer: unknown): ReturnType<typeof read> =>
  read({ host: 'web', trafficPolicy: { loadBalancer } })
const hashed = (consistentHash: unknown): ReturnType<typeof read> => balanced({ consistentHash })

t.test('what is supported is read without a note', (t) => {
  const simple = (name: string): BalancePolicy => balanced({ simple: name }).policy
  t.equal(simple('ROUND_ROBIN'), 'round-robin')
  t.equal(simple('UNSPECIFIED'), 'round-robin')
  t.equal(simple('RANDOM'), 'random')
  t.equal(simple('LEAST_REQUEST'), 'least-request')
  t.equal(simple('LEAST_CONN'), 'least-request')
  t.same(hashed({ httpHeaderName: 'X-User' }).policy, { kind: 'header', name: 'x-user' })
  t.same(hashed({ useSourceIp: true }).policy, { kind: 'source-address' })
  t.same(hashed({ httpQueryParameterName: 'User' }).policy, { kind: 'query', name: 'User' })
  const cookie = { name: 'user', path: '/p', ttl: '1h0.5s' }
  t.same(hashed({ httpCookie: cookie }).policy, {
    kind: 'cookie',
    name: 'user',
    ttlSeconds: 3601,
    path: '/p',
  })
  t.same(hashed({ httpCookie: cookie }).notes, [])
  const ports = read({
    host: 'WEB.default',
    trafficPolicy: {
      loadBalancer: { simple: 'RANDOM' },
      portLevelSettings: [
        { port: { number: 80 }, loadBalancer: { consistentHash: { useSourceIp: true } } },
        { port: { number: 81 } },
      ],
    },
  })
  t.same(ports, {
    namespace: 'default',
    name: 'web',
    created: metadata.creationTimestamp,
    host: 'web.default',
    policy: 'random',
    ports: [
      { port: 80, policy: { kind: 'source-address' } },
      { port: 81, policy: 'round-robin' },
    ],
    notes: [],
  })
  t.end()
})

t.test('what is not understood leaves the default and is told', (t) => {
  const cases: readonly (readonly [ReturnType<typeof read>, RegExp])[] = [
    [balanced({ simple: 'PASSTHROUGH' }), /PASSTHROUGH/],
    [balanced({ simple: 'FASTEST' }), /"FASTEST" is no known policy/],
    [balanced({ simple: 'RANDOM', consistentHash: { useSourceIp: true } }), /exclude each other/],
    [hashed({}), /0 keys/],
    [hashed({ useSourceIp: true, httpHeaderName: 'x' }), /2 keys/],
    [hashed({ httpHeaderName: 'x: y\r\nz' }), /no usable key/],
    [hashed({ httpCookie: { name: 'a=b; Domain=evil' } }), /no usable key/],
    [read({ host: 'web', subsets: [{ name: 'v1', labels: { v: '1' } }] }), /subsets/],
    [read({ trafficPolicy: 7, host: 'web' }), /trafficPolicy is 7, not a map/],
    [read(undefined), /host is missing/],
  ]
  for (const [rule, note] of cases) {
    t.equal(rule.policy, 'round-robin', String(note))
    t.match(rule.notes.join('; '), note)
  }
  const others = read({
    host: 'web',
    workloadSelector: { matchLabels: { a: 'b' } },
    trafficPolicy: { loadBalancer: { simple: 'RANDOM' } },
  })
  t.equal(others.policy, 'round-robin', 'a rule for some clients is not given to all')
  const half = read({
    host: 'web',
    trafficPolicy: { loadBalancer: { simple: 'RANDOM' }, outlierDetection: {} },
  })
  t.equal(half.policy, 'random', 'what is understood of it counts')
  t.match(half.notes.join(), 'trafficPolicy.outlierDetection is not supported')
  t.end()
})

t.test('a cookie cannot smuggle attributes or lines into an answer', (t) => {
  const { policy, notes } = hashed({
    httpCookie: { name: 'user', path: '/a; Domain=evil\r\nX: y', ttl: 'soon' },
  })
  t.same(policy, { kind: 'cookie', name: 'user', ttlSeconds: 0 })
  t.equal(notes.length, 2, notes.join('; '))
  t.end()
})

/** Values that stand where something else is expected. */
const odd: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e400,
  '',
  'text',
  '\u0000',
  [],
  [null],
  [[]],
  {},
  { a: null },
  { number: 'x' },
]

/** Builders of objects that are wrong at one place. */
const places: readonly ((value: unknown) => unknown)[] = [
  (value) => value,
  (metadata) => ({ metadata, spec: {} }),
  (name) => ({ metadata: { ...metadata, name } }),
  (namespace) => ({ metadata: { ...metadata, namespace } }),
  (creationTimestamp) => ({ metadata: { ...metadata, creationTimestamp } }),
  (spec) => ({ metadata, spec }),
  ...[
    (host: unknown) => ({ host }),
    (subsets: unknown) => ({ host: 'web', subsets }),
    (exportTo: unknown) => ({ host: 'web', exportTo }),
    (workloadSelector: unknown) => ({ host: 'web', workloadSelector }),
    (trafficPolicy: unknown) => ({ host: 'web', trafficPolicy }),
    (unknownField: unknown) => ({ host: 'web', unknownField }),
  ].map((spec) => (value: unknown) => ({ metadata, spec: spec(value) })),
  ...[
    (loadBalancer: unknown) => ({ loadBalancer }),
    (simple: unknown) => ({ loadBalancer: { simple } }),
    (consistentHash: unknown) => ({ loadBalancer: { consistentHash } }),
    (httpHeaderName: unknown) => ({ loadBalancer: { consistentHash: { httpHeaderName } } }),
    (httpCookie: unknown) => ({ loadBalancer: { consistentHash: { httpCookie } } }),
    (name: unknown) => ({ loadBalancer: { consistentHash: { httpCookie: { name } } } }),
    (ttl: unknown) => ({ loadBalancer: { consistentHash: { httpCookie: { name: 'c', ttl } } } }),
    (path: unknown) => ({ loadBalancer: { consistentHash: { httpCookie: { name: 'c', path } } } }),
    (useSourceIp: unknown) => ({ loadBalancer: { consistentHash: { useSourceIp } } }),
    (name: unknown) => ({ loadBalancer: { consistentHash: { httpQueryParameterName: name } } }),
    (ringHash: unknown) => ({ loadBalancer: { consistentHash: { useSourceIp: true, ringHash } } }),
    (localityLbSetting: unknown) => ({ loadBalancer: { localityLbSetting } }),
    (portLevelSettings: unknown) => ({ portLevelSettings }),
    (settings: unknown) => ({ portLevelSettings: [settings] }),
    (port: unknown) => ({ portLevelSettings: [{ port }] }),
    (number: unknown) => ({ portLevelSettings: [{ port: { number } }] }),
    (loadBalancer: unknown) => ({ portLevelSettings: [{ port: { number: 1 }, loadBalancer }] }),
  ].map((policy) => (value: unknown) => ({
    metadata,
    spec: { host: 'web', trafficPolicy: policy(value) },
  })),
]

t.test('no object at all makes it throw, and notes stay short', (t) => {
  let cases = 0
  for (const place of places) {
    for (const value of odd) {
      const rule = destinationRule(place(value))
      cases += 1
      if (rule === undefined) continue
      const notes = rule.notes.join('; ')
      if (notes.length > 2_000) t.fail(`a note of ${notes.length} characters`)
    }
  }
  t.ok(cases >= 200, `${cases} cases`)
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`field${i}`, i]))
  t.ok(read({ host: 'web', ...many }).notes.join('; ').length < 2_000)
  t.end()
})
