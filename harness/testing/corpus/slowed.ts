import type { GateMetric } from '../../model/gate.ts'
import type { Mutant } from '../../model/mutant.ts'
import type { Injected } from '../../results/gate-corpus.ts'

/** How long the slowed reference does nothing, in microseconds. */
export interface Slowness {
  /** A request of the L7 path that comes on the heels of another: a busy agent. */
  readonly l7BusyUs: number
  /** A request of the L7 path that comes alone. */
  readonly l7AloneUs: number
  /** A DNS query. */
  readonly dnsUs: number
}

/** Requests further apart than this come alone; those of the closed loop of l7-throughput do not. */
const aloneAfterUs = 400

/** Part of what a machine needs that the loops take: more than the tenth that is claimed, which a faster minute may not undo. */
const [busyShare, aloneShare] = [0.13, 0.16]

/** Loops of a tenth at least, by what a session has just measured; undefined when it has not. */
export function slownessFor(metrics: readonly GateMetric[]): Slowness | undefined {
  const [busyUs, aloneUs, queryUs] = [
    'l7-throughput/cpu',
    'l7-latency/value',
    'dns-throughput/cpu',
  ].map((id) => metrics.find((metric) => metric.id === id)?.baseline)
  if (busyUs === undefined || aloneUs === undefined || queryUs === undefined) return undefined
  return {
    l7BusyUs: busyShare * busyUs,
    // why: one request of five comes on the heels of another, and is not slowed as much
    l7AloneUs: aloneShare * aloneUs,
    dnsUs: busyShare * queryUs,
  }
}

/** Metrics that a session sees change; all others do not. */
export function injectedBy(relative: number): Injected {
  return {
    'l7-latency/value': relative,
    'l7-throughput/cpu': relative,
    'dns-throughput/cpu': relative,
  }
}

/** The reference with loops that do nothing on the way of a request and of a query. */
export function slowed({ l7BusyUs, l7AloneUs, dnsUs }: Slowness): Mutant {
  const loop = (us: string): string =>
    `{ const until = performance.now() + (${us}) / 1000; while (performance.now() < until); }`
  return {
    id: 'slowed',
    title: `spends ${l7BusyUs.toFixed(1)} to ${l7AloneUs.toFixed(1)} us more on a request, ${dnsUs.toFixed(2)} us more on a query`,
    changes: [
      {
        file: 'proxy/l7/outgoing-request.js',
        find: 'compose(bytes, head, mark, bodyEnd) {',
        replace: `compose(bytes, head, mark, bodyEnd) {
    const since = performance.now() - (globalThis.lastRequest ?? 0);
    ${loop(`since * 1000 > ${aloneAfterUs} ? ${l7AloneUs} : ${l7BusyUs}`)}
    globalThis.lastRequest = performance.now();`,
      },
      {
        file: 'dns/udp-server.js',
        find: 'const answer = responder.respond(message, false);',
        replace: `${loop(String(dnsUs))} const answer = responder.respond(message, false);`,
      },
    ],
    kills: [],
  }
}
