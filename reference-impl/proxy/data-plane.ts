/** The traffic path behind the interface that the rest of the agent knows. */
import type { DataPlane, DataPlaneInit, TrafficCounters } from '../data-plane.ts'
import { responseClasses } from './http-ports.ts'
import { type PortStatistics, TrafficPath, type TrafficPathInit } from './traffic-path.ts'

/** The traffic path, with what only its tests and its metrics need. */
export interface ReferenceDataPlane extends DataPlane {
  /** Per Service port: the way its traffic takes and what was counted. */
  statistics(): Promise<readonly PortStatistics[]>
}

/** @param settings - limits of the HTTP proxy and intervals; only tests set them */
export function createDataPlane(
  init: DataPlaneInit,
  settings: Partial<TrafficPathInit> = {},
): ReferenceDataPlane {
  const log = {
    info: (message: string, facts?: Readonly<Record<string, unknown>>) =>
      init.log('info', message, facts),
    warn: (message: string, facts?: Readonly<Record<string, unknown>>) =>
      init.log('warn', message, facts),
  }
  const path = new TrafficPath(
    {
      protectedAddresses: [init.dnsAddress],
      ...(init.clusterDomain !== undefined && { clusterDomain: init.clusterDomain }),
      ...(init.serviceFilter !== undefined && { serviceFilter: init.serviceFilter }),
      ...settings,
    },
    log,
  )
  return {
    apply: async (snapshot) => path.apply(snapshot),
    statistics: async () => path.statistics(),
    async counters(): Promise<TrafficCounters> {
      const l4Connections = await path.kernelConnections()
      const { requests, responses } = path.http
      return {
        l4Connections,
        l7Requests: requests,
        l7Responses: responseClasses(responses),
      }
    },
    drain: async (signal) => path.drain(signal),
    async close({ cleanUp }) {
      if (cleanUp) await path.uninstall()
      else await path.drain(AbortSignal.abort())
    },
  }
}
