import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { backends } from '../l4/backends.fixture.ts'
import { request } from '../support/connect.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { apiUnreachable, restarted } from '../support/outage.ts'
import { onHost } from '../support/positions.ts'
import { holdWithin, whenKnown } from './scene.ts'

/** How long readiness may take to be told after a start, with the API there. */
const tellsMs = 30_000

const silent = 'nobody knows where this target tells of itself'

/** What the agent tells of its own state. */
export const telling: readonly Check[] = [
  {
    requirement: 'EDGE-OFF-015',
    sends: 'a request for the metrics of the agent',
    expects: 'a metric that tells when it last heard of the API, or how long ago that is',
    capabilities: ['node-access'],
    run: async (context) => {
      const metrics = await metricsOf(context)
      if (metrics === undefined) return skipped(silent)
      const found = metrics.find((line) => age.test(line))
      return new Judgement()
        .holds('a metric of the last sync', 'one with a number', found ?? 'none', isNumber(found))
        .assessment(found ?? '')
    },
  },
  {
    requirement: 'EDGE-OBS-001',
    sends:
      'requests for liveness and readiness: while it serves; after a first start without the API; after the API is back',
    expects:
      'both 200; then alive and not ready; then ready, and as soon as it says so every name and connection is answered',
    capabilities: ['node-fault', 'node-access'],
    fixtures: [backends],
    run: whenKnown(async (context, { all }) => {
      const { tells, forget } = context.target
      if (tells === undefined) return skipped(silent)
      const { liveness, readiness } = tells
      const judgement = new Judgement()
        .holds('liveness', 'an endpoint', liveness ?? 'none', liveness !== undefined)
        .holds('readiness', 'an endpoint', readiness ?? 'none', readiness !== undefined)
      if (liveness === undefined || readiness === undefined) return judgement.assessment('')
      judgement
        .equal('liveness while it serves', '200', await answerOf(context, liveness))
        .equal('readiness while it serves', '200', await answerOf(context, readiness))
      if (forget === undefined)
        return judgement.assessment('both are there; nobody can make a start its first')
      const outage = await apiUnreachable(context)
      await forget(onHost(context).node, context)
      await restarted(context, 0, 'kill')
      const alive = await answersWithin(context, liveness, (answer) => answer === '200')
      const early = await answerOf(context, readiness)
      judgement
        .equal('liveness before the first sync', '200', alive)
        .holds('readiness before the first sync', 'not 200', early, early !== '200')
      await outage.end()
      const ready = await answersWithin(context, readiness, (answer) => answer === '200')
      const { accepted, seen } = await holdWithin(context, all, 0)
      judgement
        .equal('readiness with the API back', '200', ready)
        .holds('when it said ready', 'everything answered', seen, accepted)
      return judgement.assessment(`not ready before its first sync (${early}), ready after it`)
    }),
  },
  {
    requirement: 'EDGE-OBS-002',
    sends: 'a request for the metrics of the agent',
    expects:
      'metrics of DNS queries by rcode, of connections, of upstream errors and of the last sync',
    capabilities: ['node-access'],
    run: async (context) => {
      const metrics = await metricsOf(context)
      if (metrics === undefined) return skipped(silent)
      const judgement = new Judgement()
      for (const [what, pattern] of Object.entries(wanted)) {
        const found = metrics.find((line) => pattern.test(line))
        judgement.holds(what, 'a metric', found ?? 'none', found !== undefined)
      }
      return judgement.assessment(`all ${Object.keys(wanted).length} are there`)
    },
  },
]

/** `meshmark_sync_age_seconds 3`, `kubeproxy_sync_proxy_rules_last_timestamp_seconds 1.7e9` ... */
const age =
  /^\w*(sync|list|watch|snapshot|cache|config)\w*(age|last|staleness|timestamp)\w*(\{.*\})? /i

const wanted: Readonly<Record<string, RegExp>> = {
  'queries by rcode': /^\w*dns\w*(\{.*rcode="\w+".*\}) /i,
  connections: /^\w*connection\w*(\{.*\})? /i,
  'errors of upstreams':
    /^\w*(upstream|forward)\w*(fail|error)\w*(\{.*\})? |^# TYPE \w*(upstream|forward)\w*(fail|error)/i,
  'age of the last sync': age,
}

function isNumber(line = ''): boolean {
  return line !== '' && Number.isFinite(Number(line.trim().split(' ').at(-1)))
}

async function metricsOf(context: CheckContext): Promise<readonly string[] | undefined> {
  const url = context.target.tells?.metrics
  if (context.target.tells === undefined) return undefined
  if (url === undefined) return []
  const seen = await request(context, onHost(context), url)
  return seen.kind === 'http' && seen.status === 200 ? seen.body.split('\n') : []
}

async function answerOf(context: CheckContext, url: string): Promise<string> {
  const seen = await request(context, onHost(context), url)
  return seen.kind === 'http' ? String(seen.status) : seen.kind
}

async function answersWithin(
  context: CheckContext,
  url: string,
  accept: (answer: string) => boolean,
): Promise<string> {
  const { seen } = await eventually(() => answerOf(context, url), accept, {
    withinMs: tellsMs,
    signal: context.signal,
  })
  return seen
}
