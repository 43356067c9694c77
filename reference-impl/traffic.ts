import type { DataPlane } from './data-plane.ts'
import { Backoff } from './kube/backoff.ts'
import type { Snapshot } from './kube/snapshot.ts'
import type { Log } from './log.ts'

/** Makes the traffic path follow snapshots: the newest one next, again after a while when it was refused. */
export class TrafficFollower {
  readonly #dataPlane: DataPlane
  readonly #log: Log
  readonly #backoff = new Backoff(500, 15_000)
  #wanted: Snapshot | undefined
  #running: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #isInForce = false
  #isStopped = false

  constructor(dataPlane: DataPlane, log: Log) {
    this.#dataPlane = dataPlane
    this.#log = log
  }

  /** Whether the rules of some snapshot were accepted, and none was refused since. */
  get isInForce(): boolean {
    return this.#isInForce
  }

  follow(snapshot: Snapshot): void {
    this.#wanted = snapshot
    this.#run()
  }

  /** Resolves when no change is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#retry)
    await this.#running
  }

  #run(): void {
    if (this.#isStopped) return
    this.#running ??= this.#apply().finally(() => {
      this.#running = undefined
    })
  }

  async #apply(): Promise<void> {
    while (this.#wanted !== undefined && !this.#isStopped) {
      const snapshot = this.#wanted
      this.#wanted = undefined
      try {
        await this.#dataPlane.apply(snapshot)
        this.#isInForce = true
        this.#backoff.reset()
      } catch (error) {
        this.#isInForce = false
        this.#wanted ??= snapshot
        this.#log.error('the traffic path refused a change, the former rules stay', {
          error: error instanceof Error ? error.message : String(error),
        })
        clearTimeout(this.#retry)
        this.#retry = setTimeout(() => this.#run(), this.#backoff.next())
        return
      }
    }
  }
}
