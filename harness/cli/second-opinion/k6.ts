import type { BenchPlan } from '../../engine/bench.ts'
import { k6Opinion } from '../../load/k6.ts'
import { LoadError } from '../../model/errors.ts'
import { k6AsJob } from './k6-as-job.ts'
import { k6AtPositions } from './k6-at-positions.ts'

/** How long k6 runs: 2500 requests at 500 per second, so that p90 has 50 samples beyond it five times over. */
const seconds = 5

export interface K6Init {
  /** An image that the cluster can have, with `k6` on its PATH; one is built of this machine's k6 when absent. */
  readonly image?: string
  /** What that image is built on. */
  readonly baseImage?: string
}

/**
 * `--second-opinion`: k6 on the L7 question, from the nodes that our own load comes from. On provider local it is run
 * where our load programs stand, on clusters of containers as a Kubernetes Job.
 */
export function secondOpinionOfK6(init: K6Init): NonNullable<BenchPlan['secondOpinion']> {
  return {
    question: 'l7-latency',
    arm: 'target',
    ask: async (request, rateRps, stage, at, options) => {
      if (request.kind !== 'http')
        throw new LoadError('invalid-job', `k6 cannot ask ${request.kind}`)
      const host = request.host.includes(':') ? `[${request.host}]` : request.host
      const job = {
        url: `http://${host}:${request.port}${request.path}`,
        host: request.authority,
        sha256: request.expect.bodySha256,
        rateRps,
        seconds,
        programs: at.length,
      }
      const programs =
        stage.cluster.provider === 'local'
          ? await k6AtPositions(job, stage, at, options)
          : await k6AsJob(job, init, stage, at, options)
      return k6Opinion(job, programs)
    },
  }
}
