import { responseCodeName } from '../wire/dns-constants.ts'

/** What the name server counts since its start. */
export class DnsCounters {
  readonly #answers = new Array<number>(24).fill(0)
  /** Datagrams and connections from addresses that this server does not serve. */
  refusedClients = 0
  /** Messages without an answer: too short, responses, or from port 0. */
  dropped = 0
  forwarded = 0
  cacheHits = 0
  readonly #upstreamFailures = new Map<string, number>()

  answered(code: number): void {
    this.#answers[code] = (this.#answers[code] ?? 0) + 1
  }

  upstreamFailed(server: string): void {
    this.#upstreamFailures.set(server, (this.#upstreamFailures.get(server) ?? 0) + 1)
  }

  /** Answers by the name of their response code; those that occurred and the common ones. */
  get answers(): ReadonlyMap<string, number> {
    const common = new Set([0, 2, 3])
    return new Map(
      this.#answers.flatMap((count, code): [string, number][] =>
        count > 0 || common.has(code) ? [[responseCodeName(code), count]] : [],
      ),
    )
  }

  get upstreamFailures(): ReadonlyMap<string, number> {
    return this.#upstreamFailures
  }
}
