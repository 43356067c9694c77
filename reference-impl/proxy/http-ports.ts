/** The HTTP ports of a plan in the words of the HTTP proxy, whatever brings the connections to it. */
import type { TrafficCounters } from '../data-plane.ts'
import type { HttpPort } from './l7/http-proxy.ts'
import type { RouteCounters } from './l7/route.ts'
import type { TrafficPlan } from './plan.ts'

export function httpPorts(
  plan: TrafficPlan | undefined,
): readonly (HttpPort & { readonly id: string })[] {
  const ports: (HttpPort & { readonly id: string })[] = []
  for (const port of plan?.ports ?? []) {
    if (port.proxyAddress === undefined) continue
    ports.push({
      id: port.id,
      localAddress: port.proxyAddress,
      name: port.label,
      authority: `${port.clusterIps[0] ?? 'service'}:${port.port}`,
      policy: port.policy,
      endpoints: port.destinations,
      ...(port.affinitySeconds !== undefined && { affinitySeconds: port.affinitySeconds }),
    })
  }
  return ports
}

/** Answers by status class: `2xx`, ... */
export function responseClasses(
  responses: RouteCounters['responses'],
): TrafficCounters['l7Responses'] {
  const [, informational, success, redirect, clientError, serverError] = responses
  return {
    '1xx': informational,
    '2xx': success,
    '3xx': redirect,
    '4xx': clientError,
    '5xx': serverError,
  }
}
