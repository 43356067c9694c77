import { check } from 'k6'
import crypto from 'k6/crypto'
import exec from 'k6/execution'
import http from 'k6/http'
import type { Options } from 'k6/options'

/*
 * One page of a Service, at a constant arrival rate (open loop), as a second opinion on meshmark's own generator.
 *
 *   k6 run -e MESHMARK_URL=http://nginx-svc.default.svc.cluster.local:12345/ service-http.ts
 *
 * MESHMARK_RATE: requests per MESHMARK_TIME_UNIT ("1s"). MESHMARK_DURATION: "5s". MESHMARK_HOST: the Host header, where
 * the URL holds an address. MESHMARK_SHA256: of the body that every answer has to have: another one is a stranger's, and
 * stops the load at once.
 */
const url = wanted('MESHMARK_URL')
const rate = Number(__ENV['MESHMARK_RATE'] ?? '500')
const host = __ENV['MESHMARK_HOST']
const sha256 = __ENV['MESHMARK_SHA256']

/** `p(1)` to `p(99)`. */
const percentiles = Array.from({ length: 99 }, (_, index) => `p(${index + 1})`)

export const options: Options = {
  discardResponseBodies: false,
  // why: what several k6 saw can be put together when each tells all of its distribution
  summaryTrendStats: ['count', 'min', 'avg', 'med', ...percentiles, 'p(99.9)', 'max'],
  scenarios: {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- k6's types call plain options classes
    service: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: __ENV['MESHMARK_TIME_UNIT'] ?? '1s',
      duration: __ENV['MESHMARK_DURATION'] ?? '5s',
      preAllocatedVUs: 64,
      maxVUs: 256,
      gracefulStop: '2s',
    },
  },
  thresholds: {
    // why: a threshold on a metric without a sample passes in k6, so the samples themselves are one
    http_reqs: ['count>0'],
    http_req_failed: ['rate==0'],
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
  },
}

export default function (): void {
  const answer = http.get(url, { ...(host !== undefined && { headers: { Host: host } }) })
  const isOurs = check(answer, {
    'status is 200': ({ status }) => status === 200,
    'the page is the backend’s': ({ body }) =>
      sha256 === undefined || (body !== null && crypto.sha256(body, 'hex') === sha256),
  })
  if (!isOurs && answer.status === 200) exec.test.abort('foreign answer')
}

/** Everything that k6 counted, as one line of JSON on stdout, and nothing else. */
export function handleSummary(data: unknown): Record<string, string> {
  return { stdout: `${JSON.stringify(data)}\n` }
}

function wanted(name: string): string {
  const value = __ENV[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set: -e ${name}=...`)
  return value
}
