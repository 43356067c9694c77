import type { Capability } from './cluster.ts'
import type { LoadProfile, LoadTarget } from './load.ts'
import type { Feature } from './target.ts'

/**
 * One question that a benchmark answers ("what does the L7 path add at 1000 requests per second?"): what is
 * sent, which number of a trial counts and what the answer means. Arms run in randomised pairs.
 */
export interface Question {
  readonly id: string
  readonly title: string
  /** What the answer means for a user, in one sentence. */
  readonly means: string
  /** Asked unless others are named; the others are asked by name only. */
  readonly isStandard?: boolean
  /** Needed from the target; without it the question is skipped and says so. */
  readonly needs?: readonly Feature[]
  /** Needed from the cluster; likewise. */
  readonly capabilities?: readonly Capability[]
  /** Does it decide where versions are compared, or is it shown? `scenarios/bench/gated.ts` has those that do. */
  readonly role: 'gated' | 'advisory'
  /** A change of the metric below this share is of no practical interest, 0 to 1. */
  readonly margin: number
  readonly unit: 'us' | 'req/s'
  readonly better: 'lower' | 'higher'
  /** The number that a trial yields: median response time, or completed requests per second. */
  readonly metric: 'response-p50' | 'throughput'
  readonly profile: LoadProfile
  /**
   * Of an open loop: its rate is at most the profile's, and at most this share of what the slowest way carries with so
   * many clients, which is measured before the first pair. The window grows until the median has its samples; of a
   * closed loop, that alone.
   */
  readonly calibration?: { readonly share: number; readonly concurrency: number }
  /** What it stands on; where that could not be set up it is left out, with the reason as its answer. */
  readonly uses?: readonly Ground[]
  /** The first arm is the yardstick, if there are two. */
  readonly arms: readonly QuestionArm[]
  /** How the effect between the two arms is told: added microseconds, or a fraction of the yardstick's rate. */
  readonly effect: 'difference' | 'ratio'
  readonly warmupMs: number
  readonly durationMs: number
}

/**
 * What questions and experiments stand on: the sample nginx through the Service's L4 or L7 port, nginx with files of
 * several sizes through either, a backend of ours.
 */
export type Ground = 'l4' | 'l7' | 'l4-payloads' | 'l7-payloads' | 'backend'

/** What says which grounds it stands on. */
export interface Grounded {
  readonly uses?: readonly Ground[]
}

export interface QuestionArm {
  readonly id: 'direct' | 'target'
  /** What the client talks to: "pod IP", "ClusterIP, port http-0". */
  readonly label: string
  readonly request: (facts: BenchFacts) => LoadTarget
}

/** What a question or experiment may refer to: the sample nginx and its Service, as they are in this cluster. */
export interface BenchFacts {
  /** Grounds that could not be set up, and why. */
  readonly missing?: Readonly<Partial<Record<Ground, string>>>
  readonly podIp: string
  /** Port of the pod. */
  readonly podPort: number
  readonly clusterIp: string
  readonly serviceName: string
  readonly namespace: string
  /** Port whose name starts with `http-`: the L7 way. */
  readonly l7Port: number
  /** Port with an opaque name: the L4 way. */
  readonly l4Port: number
  readonly path: string
  readonly bodySha256: string
  /** nginx with files of several sizes behind a Service of its own, with the same ports; where a question uses it. */
  readonly payloads?: {
    readonly podIp: string
    readonly clusterIp: string
    readonly files: readonly {
      readonly bytes: number
      readonly path: string
      readonly sha256: string
    }[]
  }
  /** A backend of ours behind a Service; where a question uses it. */
  readonly backend?: {
    readonly pod: string
    readonly podIp: string
    readonly clusterIp: string
    /** Ports of the pod. */
    readonly ports: { readonly http: number; readonly tcp: number; readonly udp: number }
    /** Ports of the Service: the L7 way, the L4 way, UDP. */
    readonly servicePorts: {
      readonly http: number
      readonly tcp: number
      readonly udp: number
      readonly raw: number
    }
  }
  readonly dnsServer: string
  readonly clusterDomain: string
}

/**
 * The facts of a session that needs every ground.
 * @throws Error with the reasons when one could not be set up
 */
export function wholeFacts(facts: BenchFacts): BenchFacts {
  const reasons = [...new Set(Object.values(facts.missing ?? {}))]
  if (reasons.length > 0) throw new Error(reasons.join('; '))
  return facts
}
