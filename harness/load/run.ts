import type { LoadJob, LoadOptions, LoadResult } from '../model/load.ts'
import { autocannonLoad } from './autocannon.ts'
import { dnsLoad } from './dns.ts'
import { openHttp } from './http.ts'
import { httpConnect } from './http-connect.ts'
import { udpFlows } from './udp-flow.ts'
import { webSocketLoad } from './websocket.ts'

/**
 * Runs one job with the generator that fits it.
 * @throws the signal's reason when it is aborted, an operating system error when nothing can be sent at all
 */
export function runLoad(job: LoadJob, options: LoadOptions): Promise<LoadResult> {
  const { target, profile } = job
  switch (target.kind) {
    case 'http':
      return profile.kind === 'open-loop'
        ? openHttp(job, target, options)
        : autocannonLoad(job, target, options)
    case 'http-connect':
      return httpConnect(job, target, options)
    case 'websocket':
      return webSocketLoad(job, target, options)
    case 'udp-flow':
      return udpFlows(job, target, options)
    case 'dns':
      return dnsLoad(job, target, options)
  }
}
