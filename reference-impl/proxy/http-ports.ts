/** The HTTP ports of a plan in the words of the HTTP proxy, whatever brings the connections to it. */
import type { TrafficCounters } from '../data-plane.ts'
import type { HttpPort } from './l7/http-proxy.ts'
import type { RouteCounters } from './l7/route.ts'
import type { PortPlan, ServicePlan, TrafficPlan } from './plan.ts'

export type ServiceHttpPort = HttpPort & { readonly id: string }

export function httpPorts(plan: TrafficPlan | undefined): readonly ServiceHttpPort[] {
  return (plan?.services ?? []).flatMap((service) => httpPortsOf(service) ?? [])
}

/** Undefined when there are none. */
export function httpPortsOf({ ports }: ServicePlan): readonly ServiceHttpPort[] | undefined {
  const found = ports.flatMap((port) => httpPort(port) ?? [])
  return found.length === 0 ? undefined : found
}

function httpPort(port: PortPlan): ServiceHttpPort | undefined {
  if (port.proxyAddress === undefined) return undefined
  return {
    id: port.id,
    localAddress: port.proxyAddress,
    name: port.label,
    authority: `${port.clusterIps[0] ?? 'service'}:${port.port}`,
    policy: port.policy,
    endpoints: port.destinations,
    ...(port.affinitySeconds !== undefined && { affinitySeconds: port.affinitySeconds }),
  }
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
