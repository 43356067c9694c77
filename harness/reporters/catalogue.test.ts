import t from 'tap'
import type { Check } from '../model/check.ts'
import type { Requirement } from '../model/requirement.ts'
import { explain, listJson, listTable } from './catalogue.ts'

const clusterIp: Requirement = {
  id: 'DNS-A-001',
  level: 'MUST',
  profile: 'DNS',
  environment: 'B',
  disruptive: false,
  slow: false,
  sources: [{ ref: 'S§2.3.1', url: 'https://example.org/spec' }, { ref: 'H' }],
  sentence: 'A of a Service is asked → exactly one A record, its data is spec.clusterIP.',
  thresholds: { convergenceMs: 30_000 },
}

const relay: Requirement = {
  id: 'EDGE-X-008',
  level: 'SHOULD',
  profile: 'EDGE',
  feature: 'relay',
  environment: 'N',
  disruptive: true,
  slow: true,
  sources: [{ ref: 'H' }],
  sentence: `${'Relay 1 is killed while relay 2 is present → '.repeat(3)}new connections succeed.`,
  thresholds: {},
  notAutomated: 'later: needs a relay between 2 LANs',
  why: 'It was wrong.',
}

const unwritten: Requirement = { ...clusterIp, id: 'DNS-A-002', level: 'MAY' }

const check: Check = {
  requirement: 'DNS-A-001',
  sends: 'A queries from a pod',
  expects: 'one record, equal to the ClusterIP',
  capabilities: ['node-access'],
  fixtures: [{ id: 'services', manifests: () => [] }],
  run: () => Promise.resolve({ kind: 'conforms', observed: '' }),
}

t.test('the table has a line per row and says what is judged', (t) => {
  t.equal(
    listTable([clusterIp, relay, unwritten], [check]),
    `ID          LEVEL   PROFILE  FEATURE  ENV  RUNS        JUDGED   REQUIREMENT
DNS-A-001   MUST    DNS      -        B    -           check    A of a Service is asked → exactly one A record, its data is spec.clusterIP.
EDGE-X-008  SHOULD  EDGE     relay    N    alone slow  later    Relay 1 is killed while relay 2 is present → Relay 1 is killed while relay 2 is present → Relay 1 i…
DNS-A-002   MAY     DNS      -        B    -           missing  A of a Service is asked → exactly one A record, its data is spec.clusterIP.

3 rows: 1 MUST (1 of them core); 1 with a check, 1 for later, 1 without one
`,
  )
  t.equal(
    listTable([], []).split('\n').at(-2),
    '0 rows: 0 MUST (0 of them core); 0 with a check, 0 for later, 0 without one',
  )
  t.end()
})

t.test('the JSON has whole rows', (t) => {
  t.same(JSON.parse(listJson([clusterIp, relay], [check])), [
    { ...clusterIp, judged: 'check' },
    { ...relay, judged: 'later' },
  ])
  t.end()
})

t.test('a row with a check is explained', (t) => {
  t.equal(
    explain(clusterIp, check),
    `DNS-A-001  MUST of profile DNS, core: it decides the conclusion

  Requires    A of a Service is asked → exactly one A record, its data is spec.clusterIP.
  Source      S§2.3.1  https://example.org/spec
              H
  Bounds      convergenceMs 30000
  Runs        on every provider
  Sends       A queries from a pod
  Expects     one record, equal to the ClusterIP
  Needs       of the cluster: node-access
  Looks at    fixtures services
  Keeps       every comparison, what was expected beside what was seen, for a pass as well; and
              the packets, transcripts, rulesets, manifests or logs that the check attaches
  Run it      meshmark conform --only DNS-A-001
`,
  )
  t.end()
})

t.test('a row without a check says why, and what was corrected', (t) => {
  t.equal(
    explain(relay, undefined),
    `EDGE-X-008  SHOULD of profile EDGE, only for targets that claim relay

  Requires    Relay 1 is killed while relay 2 is present → Relay 1 is killed while relay 2 is
              present → Relay 1 is killed while relay 2 is present → new connections succeed.
  Source      H
  Runs        on provider local alone
              alone, because it would disturb other checks
              for longer than 30 s
  Not judged  later: needs a relay between 2 LANs
  Corrected   It was wrong.
`,
  )
  t.match(explain(unwritten, undefined), /Not judged {2}no check is written yet/)
  t.end()
})
