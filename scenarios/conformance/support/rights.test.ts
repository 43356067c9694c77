import t from 'tap'
import { effectiveCapabilities } from './capabilities.ts'
import { excessOf, grantsOf } from './rights.ts'

const grant = (rule: object) => ({ role: 'ClusterRole a', rules: [rule] })

t.test('reading what is named is no excess', (t) => {
  const verbs = ['get', 'list', 'watch']
  t.same(excessOf(grant({ apiGroups: [''], resources: ['services', 'nodes'], verbs })), [])
  t.same(
    excessOf(grant({ apiGroups: [''], resources: ['secrets'], resourceNames: ['a'], verbs })),
    [],
  )
  t.same(excessOf(grant({ nonResourceURLs: ['/healthz/*'], verbs: ['get'] })), [])
  t.end()
})

t.test('what goes beyond is told', (t) => {
  const apiGroups = ['']
  const verbs = ['get']
  t.same(excessOf(grant({ apiGroups, resources: ['events'], verbs: ['get', 'create', 'patch'] })), [
    'ClusterRole a: create,patch on events',
  ])
  t.same(excessOf(grant({ apiGroups, resources: ['pods'], verbs: ['*'] })), [
    'ClusterRole a: * on pods',
  ])
  t.same(excessOf(grant({ apiGroups: ['*'], resources: ['pods'], verbs })), [
    'ClusterRole a: a wildcard in * pods',
  ])
  t.same(excessOf(grant({ apiGroups, resources: ['secrets'], verbs })), [
    'ClusterRole a: every Secret',
  ])
  t.same(excessOf(grant({ apiGroups, resources: ['pods/exec', 'nodes/proxy'], verbs })), [
    'ClusterRole a: acting by pods/exec',
    'ClusterRole a: acting by nodes/proxy',
  ])
  t.end()
})

t.test('grants of an account', async (t) => {
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]
  const role = (name: string, namespace?: string) => ({ metadata: { name, namespace }, rules })
  const bound = (kind: string, name: string, subject: object, namespace?: string) => ({
    metadata: { name: 'b', namespace },
    roleRef: { kind, name },
    subjects: [subject],
  })
  const own = { kind: 'ServiceAccount', name: 'agent', namespace: 'system' }
  const objects: Readonly<Record<string, readonly object[]>> = {
    ClusterRole: [role('wide')],
    Role: [role('narrow', 'system'), role('narrow', 'other')],
    ClusterRoleBinding: [
      bound('ClusterRole', 'wide', { kind: 'Group', name: 'system:serviceaccounts:system' }),
      bound('ClusterRole', 'gone', { ...own, namespace: 'other' }),
      bound('ClusterRole', 'gone', { kind: 'Group', name: 'system:authenticated' }),
    ],
    RoleBinding: [bound('Role', 'narrow', own, 'system')],
  }
  const context = (found: typeof objects) => ({
    signal: new AbortController().signal,
    cluster: {
      kube: {
        typeOf: ({ kind }: { kind: string }) => Promise.resolve(kind),
        list: (kind: string) => Promise.resolve({ items: found[kind] }),
      },
    } as never,
  })
  const account = { namespace: 'system', name: 'agent' }
  t.same(await grantsOf(context(objects), account), [
    { role: 'ClusterRole wide', rules },
    { role: 'Role narrow', rules },
  ])
  await t.rejects(
    grantsOf(context({ ...objects, ClusterRole: [] }), account),
    /ClusterRole wide, that agent is bound to, is not there/,
  )
})

t.test('capabilities of a process', (t) => {
  t.same(effectiveCapabilities('Name:\tnode\nCapEff:\t0000000000003402\n'), [
    'DAC_OVERRIDE',
    'NET_BIND_SERVICE',
    'NET_ADMIN',
    'NET_RAW',
  ])
  t.throws(() => effectiveCapabilities('Name:\tnode\n'), RangeError)
  t.end()
})
