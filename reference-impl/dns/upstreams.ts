import { flag, responseCode } from '../wire/dns-constants.ts'
import type { Question } from '../wire/dns-ask.ts'
import { askTcp, askUdp, SocketPool, type Answer, type Server } from './exchange.ts'

/** When the second and third try start if nothing came; earlier tries may still be answered. */
const triesAtMs = [0, 800, 2000]

/** When a question is given up. Below the 5 s after which most clients ask again. */
const deadlineMs = 4000

/** Failures in a row that make a server come last. */
const failuresUntilDown = 2

/** A server that is down gets a copy of a question this often, to see whether it is back. */
const probeIntervalMs = 2000

interface State {
  readonly server: Server
  readonly pool: SocketPool
  failures: number
  probeAtMs: number
}

/** The servers that questions are forwarded to: the first healthy one first. */
export class Upstreams {
  readonly #states: readonly State[]
  readonly #onFailure: (server: string) => void

  constructor(servers: readonly Server[], onFailure: (server: string) => void = () => undefined) {
    this.#states = servers.map((server) => ({
      server,
      pool: new SocketPool(server),
      failures: 0,
      probeAtMs: 0,
    }))
    this.#onFailure = onFailure
  }

  get count(): number {
    return this.#states.length
  }

  /** The node's addresses changed: what was said about servers before may be wrong now. */
  refresh(): void {
    for (const state of this.#states) {
      state.pool.flush()
      state.failures = 0
    }
  }

  close(): void {
    for (const { pool } of this.#states) pool.close()
  }

  /**
   * The first answer that is one: a server that refuses or fails is passed over while there is another. Gives the last
   * such answer if there is nothing better, undefined when nobody answered within 4 s.
   */
  async ask(question: Question, key: string): Promise<Answer | undefined> {
    const order = this.#order()
    const over = new AbortController()
    try {
      return await new Promise<Answer | undefined>((resolve) => {
        this.#race(question, key, order, over.signal, resolve)
      })
    } finally {
      over.abort()
    }
  }

  #race(
    question: Question,
    key: string,
    order: readonly State[],
    signal: AbortSignal,
    resolve: (answer: Answer | undefined) => void,
  ): void {
    const timers = new Set<NodeJS.Timeout>()
    let started = 0
    let pending = 0
    let fallback: Answer | undefined
    const done = (answer: Answer | undefined): void => {
      for (const timer of timers) clearTimeout(timer)
      resolve(answer)
    }
    const tries = Math.max(triesAtMs.length, order.length)
    const begin = (): void => {
      const state = order[started % order.length]
      started += 1
      if (state !== undefined) run(state)
    }
    const run = (state: State): void => {
      pending += 1
      this.#try(state, question, key, signal).then(
        (answer) => {
          pending -= 1
          if (answer.code !== responseCode.SERVFAIL && answer.code !== responseCode.REFUSED) {
            done(answer)
            return
          }
          fallback ??= answer
          next()
        },
        () => {
          pending -= 1
          next()
        },
      )
    }
    /** After a failure: on to the next server at once; each is asked once, time-outs apart. */
    const next = (): void => {
      if (started < order.length) begin()
      else if (pending === 0) done(fallback)
    }
    begin()
    for (const at of triesAtMs.slice(1))
      timers.add(
        setTimeout(() => {
          if (pending > 0 && started < tries) begin()
        }, at),
      )
    timers.add(setTimeout(() => done(fallback), deadlineMs))
    for (const state of this.#due(order))
      this.#try(state, question, key, AbortSignal.timeout(probeIntervalMs)).catch(() => undefined)
  }

  async #try(state: State, question: Question, key: string, signal: AbortSignal): Promise<Answer> {
    const { server, pool } = state
    const late = setTimeout(() => this.#failed(state), triesAtMs[1])
    try {
      const answer = await askUdp(pool, question, key, signal)
      state.failures = 0
      if ((answer.flags & flag.truncated) === 0) return answer
      // why: a server without TCP still gave us the beginning of the answer
      return await askTcp(server, question, key, signal).catch(() => answer)
    } catch (error) {
      if (!signal.aborted) this.#failed(state)
      throw error
    } finally {
      clearTimeout(late)
    }
  }

  #failed(state: State): void {
    state.failures += 1
    if (state.failures === failuresUntilDown) state.probeAtMs = performance.now() + probeIntervalMs
    this.#onFailure(state.server.address)
  }

  #order(): readonly State[] {
    const down = ({ failures }: State): boolean => failures >= failuresUntilDown
    return [...this.#states.filter((one) => !down(one)), ...this.#states.filter(down)]
  }

  /** Servers that are down, other than the one being asked, whose time for a probe has come. */
  #due(order: readonly State[]): readonly State[] {
    const now = performance.now()
    const due = order
      .slice(1)
      .filter((one) => one.failures >= failuresUntilDown && one.probeAtMs <= now)
    for (const one of due) one.probeAtMs = now + probeIntervalMs
    return due
  }
}
