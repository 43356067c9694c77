import type { TrafficCounters } from '../data-plane.ts'
import type { DnsCounters } from '../dns/counters.ts'
import type { SyncStatus } from '../kube/cluster-watch.ts'
import type { Metric, Sample } from './exposition.ts'

/** What the agent knows of itself at one moment. */
export interface AgentFacts {
  readonly version: string
  readonly traffic: TrafficCounters
  readonly dns: DnsCounters
  readonly dnsCacheSize: number
  readonly sync: SyncStatus
  readonly snapshotVersion: number
  readonly services: number
  readonly isReady: boolean
}

export function agentMetrics(facts: AgentFacts): readonly Metric[] {
  const { version, traffic, dns, sync } = facts
  return [
    gauge('meshmark_build_info', 'Version of the agent.', [{ labels: { version }, value: 1 }]),
    gauge('meshmark_ready', '1 while /readyz says so.', one(facts.isReady ? 1 : 0)),
    counter(
      'meshmark_l4_connections_total',
      'New connections and UDP flows that the kernel forwarded to an endpoint.',
      one(traffic.l4Connections),
    ),
    counter(
      'meshmark_l7_requests_total',
      'HTTP requests that the proxy took.',
      one(traffic.l7Requests),
    ),
    counter(
      'meshmark_l7_responses_total',
      'HTTP answers by status class.',
      labelled('class', Object.entries(traffic.l7Responses)),
    ),
    counter(
      'meshmark_dns_queries_total',
      'DNS queries answered, by response code.',
      labelled('rcode', dns.answers),
    ),
    counter(
      'meshmark_dns_dropped_total',
      'DNS messages without an answer: from elsewhere than this node and its pods, or no queries.',
      labelled('reason', [
        ['client', dns.refusedClients],
        ['message', dns.dropped],
      ]),
    ),
    counter(
      'meshmark_dns_forwarded_total',
      'Questions asked at upstream name servers.',
      one(dns.forwarded),
    ),
    counter(
      'meshmark_dns_cache_hits_total',
      'Questions answered from what upstream name servers said before.',
      one(dns.cacheHits),
    ),
    gauge(
      'meshmark_dns_cache_entries',
      'Answers of upstream name servers that are kept.',
      one(facts.dnsCacheSize),
    ),
    counter(
      'meshmark_dns_upstream_failures_total',
      'Tries at an upstream name server without an answer in time.',
      labelled('server', dns.upstreamFailures),
    ),
    gauge(
      'meshmark_sync_age_seconds',
      'Time since the kind of objects that was heard of longest ago.',
      one(sync.ageSeconds),
    ),
    gauge(
      'meshmark_synced',
      '1 when all kinds of objects were listed by this process.',
      one(sync.isSynced ? 1 : 0),
    ),
    counter(
      'meshmark_api_failures_total',
      'Lists and watches of the Kubernetes API that failed.',
      labelled('kind', Object.entries(sync.failures)),
    ),
    gauge(
      'meshmark_snapshot_version',
      'Counts the states of the cluster that were acted upon.',
      one(facts.snapshotVersion),
    ),
    gauge('meshmark_services', 'Services known.', one(facts.services)),
  ]
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: 'counter', samples }
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: 'gauge', samples }
}

function one(value: number): readonly Sample[] {
  return [{ value }]
}

function labelled(label: string, values: Iterable<readonly [string, number]>): readonly Sample[] {
  return [...values].map(([key, value]) => ({ labels: { [label]: key }, value }))
}
