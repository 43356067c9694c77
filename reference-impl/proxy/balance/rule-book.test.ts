import t from 'tap'
import type { DestinationRuleView } from '../../kube/snapshot.ts'
import { service } from '../../testing/snapshots.ts'
import { RuleBook } from './rule-book.ts'

const rule = (host: string, change: Partial<DestinationRuleView> = {}): DestinationRuleView => ({
  namespace: 'default',
  name: `rule-${host}`,
  created: '2026-11-01T00:00:00Z',
  host,
  policy: 'random',
  ports: [],
  notes: [],
  ...change,
})
const web = service('web')
const book = (
  ...rules: readonly DestinationRuleView[]
): { readonly book: RuleBook; readonly problems: readonly string[] } => {
  const problems: string[] = []
  const made = new RuleBook(rules, 'cluster.local', problems)
  return { book: made, problems: [...problems, ...made.misleading([web])] }
}

t.test('every way to write the host of a Service of the same namespace is understood', (t) => {
  for (const host of [
    'web',
    'web.default',
    'web.default.svc',
    'web.default.svc.cluster.local',
    'web.default.svc.cluster.local.',
  ]) {
    const given = book(rule(host))
    t.equal(given.book.policyFor(web, 80), 'random', host)
    t.same(given.problems, [])
  }
  t.end()
})

t.test('a rule changes nothing in another namespace, and nothing by another host', (t) => {
  for (const host of [
    'web.other',
    'web.other.svc.cluster.local',
    'web.default.svc.example.org',
    'web.default.pod',
    '*.default.svc.cluster.local',
    '*',
    'web..',
    'example.org',
  ]) {
    const given = book(rule(host))
    t.equal(given.book.policyFor(web, 80), 'round-robin', host)
    t.match(given.problems.join(), /is no Service of namespace default: not applied/, host)
  }
  const foreign = rule('web.default.svc.cluster.local', { namespace: 'other', name: 'web' })
  const given = book(foreign)
  t.equal(given.book.policyFor(web, 80), 'round-robin')
  t.equal(given.book.policyFor(service('web', { namespace: 'other' }), 80), 'round-robin')
  t.end()
})

t.test('without a host the name decides, with one the host does', (t) => {
  t.equal(book(rule('', { name: 'web' })).book.policyFor(web, 80), 'random')
  const given = book(rule('api', { name: 'web' }))
  t.equal(given.book.policyFor(web, 80), 'round-robin')
  t.equal(given.book.policyFor(service('api'), 80), 'random')
  t.match(given.problems.join(), /DestinationRule default\/web: its host api decides/)
  t.end()
})

t.test('of two rules for one Service the older one counts, in any order', (t) => {
  const older = rule('web', { name: 'z', created: '2026-01-01T00:00:00Z' })
  const newer = rule('web.default', { name: 'a', policy: 'least-request' })
  for (const rules of [
    [older, newer],
    [newer, older],
  ]) {
    const given = book(...rules)
    t.equal(given.book.policyFor(web, 80), 'random')
    t.match(given.problems.join(), /default\/a: .*follows the older DestinationRule z/)
  }
  t.end()
})

t.test('a port of its own inherits nothing', (t) => {
  const ports = [{ port: 81, policy: 'round-robin' as const }]
  const given = book(rule('web', { ports }))
  t.equal(given.book.policyFor(web, 81), 'round-robin')
  t.equal(given.book.policyFor(web, 80), 'random')
  t.end()
})

t.test('what a rule asks for in vain is one line', (t) => {
  const given = book(rule('web', { name: 'dr', notes: ['subsets: x', 'tls is not supported'] }))
  t.same(given.problems, [
    'DestinationRule default/dr: not understood: subsets: x; tls is not supported',
  ])
  t.end()
})
