/** Which rows run on a cluster, and what is said of the others; nothing is asked of the cluster. */
import t from 'tap'
import type { Check } from '../../model/check.ts'
import type { Cluster } from '../../model/cluster.ts'
import type { Requirement } from '../../model/requirement.ts'
import { clusterDouble, deployedDouble } from '../testing/doubles.ts'
import { triage } from './conform.ts'

type Row = Partial<Pick<Check, 'capabilities' | 'topology' | 'needless'>> &
  Partial<Pick<Requirement, 'environment'>>

interface Sorted {
  readonly runnable: readonly string[]
  /** Row and why it is skipped. */
  readonly skipped: Readonly<Record<string, string | undefined>>
  /** Row and why it is not judged at all. */
  readonly notAutomated: Readonly<Record<string, string>>
  readonly elsewhere: readonly string[]
}

function sorted(rows: Readonly<Record<string, Row>>, has: Partial<Cluster> = {}): Sorted {
  const all = Object.entries(rows)
  const plan = {
    requirements: all.map(([id, { environment = 'B' }]): Requirement => ({
      ...{ id, level: 'MUST', profile: 'DNS', environment, disruptive: false, slow: false },
      ...{ sources: [{ ref: 'H' }], sentence: `${id} does as it is told`, thresholds: {} },
    })),
    checks: all.map(([requirement, { environment: _, ...row }]): Check => ({
      ...{ requirement, sends: 'nothing', expects: 'nothing', ...row },
      run: () => Promise.reject(new Error('nothing runs here')),
    })),
    catalogue: { version: '1', sha256: 'a'.repeat(64), rows: all.length },
    ...{ selection: {}, seed: 7, workers: 1, repeat: 1, failFast: false, expectations: [] },
    reproduce: (id: string) => id,
  }
  const found = triage(plan, { ...clusterDouble([]), ...has }, new Set(), deployedDouble([]))
  return {
    runnable: found.runnable.map(({ requirement }) => requirement.id),
    skipped: Object.fromEntries(found.settled.map(({ id, reason }) => [id, reason])),
    notAutomated: Object.fromEntries(found.notAutomated.map(({ id, reason }) => [id, reason])),
    elsewhere: found.elsewhere.map(({ requirement }) => requirement),
  }
}

const ofNamespaces: Readonly<Record<string, Row>> = {
  'A-1': { environment: 'N', capabilities: ['api-fault'] },
  'A-2': { environment: 'N', capabilities: ['node-access'] },
}

t.test('what clusters of namespaces are not there for is skipped where it is missing', (t) => {
  const { skipped, notAutomated } = sorted(ofNamespaces, { provider: 'kubeconfig' })
  t.same(skipped, { 'A-2': 'provider kubeconfig has no node access' })
  t.same(notAutomated, {
    'A-1': 'provider kubeconfig has no api fault; clusters of namespaces have',
  })
  t.end()
})

t.test('a cluster of namespaces that lacks what others of them have skips the row', (t) => {
  const { skipped, notAutomated } = sorted(ofNamespaces, { provider: 'local' })
  t.same(skipped, {
    'A-1': 'provider local has no api fault',
    'A-2': 'provider local has no node access',
  })
  t.same(notAutomated, {})
  t.end()
})

t.test('a row that wants kube-proxy runs where the cluster has it in that mode', (t) => {
  const topology = { kubeProxy: 'iptables' } as const
  const has = { topology: { ...clusterDouble([]).topology, ...topology } }
  const rows = { 'A-1': { topology }, 'A-2': { topology: { kubeProxy: 'nftables' } } } as const
  t.same(sorted(rows, has).runnable, ['A-1'])
  t.same(sorted(rows, has).elsewhere, ['A-2'])
  t.end()
})

t.test('no other cluster is wanted for a row that says nothing of the target', (t) => {
  const topology = { kubeProxy: 'nftables' } as const
  const { runnable, skipped, elsewhere } = sorted({
    'A-1': { topology },
    'A-2': { topology, needless: () => 'it is the target itself' },
    'A-3': { needless: () => undefined },
  })
  t.same(elsewhere, ['A-1'])
  t.same(skipped, { 'A-2': 'it is the target itself' })
  t.same(runnable, ['A-3'])
  t.end()
})
