import type { LoadJob, LoadResult } from '../model/load.ts'
import { autocannonLoad } from './autocannon.ts'
import { dnsLoad } from './dns.ts'
import { openHttp } from './http.ts'
import { httpConnect } from './http-connect.ts'

/** Runs one job with the generator that fits it. */
export function runLoad(job: LoadJob): Promise<LoadResult> {
  const { target, profile } = job
  switch (target.kind) {
    case 'http':
      return profile.kind === 'open-loop' ? openHttp(job, target) : autocannonLoad(job, target)
    case 'http-connect':
      return httpConnect(job, target)
    case 'dns':
      return dnsLoad(job, target)
  }
}
