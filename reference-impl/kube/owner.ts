import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { ApiError, type Api } from './api.ts'
import { defaultTiming, reflect } from './reflector.ts'

/** How long an agent that ends may wait for the API's word on its owner, and for one answer of it. */
const lastWordMs = 5000
const oneAnswerMs = 2000

/** Pause before an API that is busy is asked again. */
const askAgainMs = 200

/** Watches the DaemonSet that this agent belongs to: its deletion is the one sign of an uninstall. */
export class Owner {
  readonly #api: Api
  readonly #namespace: string
  readonly #name: string
  readonly #stop = new AbortController()
  #isGone = false

  constructor(
    api: Api,
    { namespace, name }: { readonly namespace: string; readonly name: string },
  ) {
    this.#api = api
    this.#namespace = namespace
    this.#name = name
  }

  start(log: Log): void {
    let told = false
    void reflect(
      {
        api: this.#api,
        path: this.#collection,
        fieldSelector: `metadata.name=${this.#name}`,
        sink: {
          count: () => 0,
          replace: (objects) => {
            // why: an empty list may be a fault of the API; `isGone` asks again before anything is removed
            this.#isGone = objects.some(isDeleted)
          },
          put: (object) => {
            this.#isGone = isDeleted(object)
          },
          remove: () => {
            this.#isGone = true
          },
        },
        timing: { ...defaultTiming, watchMs: 240_000 },
        onContact: () => undefined,
        onSynced: () => undefined,
        onTrouble: (error) => {
          if (!told) log.info('the owner of this agent cannot be watched', { error: String(error) })
          told = true
        },
      },
      this.#stop.signal,
    )
  }

  /**
   * True only when the API said so; false also when it cannot be asked. An API that is there and slow, or busy, is asked
   * again: rules that stay on a node whose agent was uninstalled lead nowhere, and nobody is left to take them away.
   */
  async isGone(): Promise<boolean> {
    const until = performance.now() + lastWordMs
    try {
      while (!this.#isGone) {
        const leftMs = until - performance.now()
        if (leftMs <= 0) return false
        const said = await this.#ask(Math.min(Math.ceil(leftMs), oneAnswerMs))
        if (said !== undefined) return said
        await delay(askAgainMs)
      }
      return true
    } finally {
      this.#stop.abort()
    }
  }

  /** Undefined when another question may be answered. */
  async #ask(timeoutMs: number): Promise<boolean | undefined> {
    const late = AbortSignal.timeout(timeoutMs)
    try {
      return isDeleted(
        await this.#api.get(`${this.#collection}/${this.#name}`, {
          signal: late,
          timeoutMs: lastWordMs,
        }),
      )
    } catch (error) {
      if (!(error instanceof ApiError)) return late.aborted ? undefined : false
      if (error.status === 404) return true
      return isBusy(error.status) ? undefined : false
    }
  }

  get #collection(): string {
    return `/apis/apps/v1/namespaces/${this.#namespace}/daemonsets`
  }
}

/** 429 Too Many Requests, or a fault of the server that may pass (RFC 9110 section 15.6). */
function isBusy(status: number): boolean {
  return status === 429 || status >= 500
}

function isDeleted(object: unknown): boolean {
  const { metadata } = object as { metadata?: { deletionTimestamp?: unknown } | null }
  return typeof metadata?.deletionTimestamp === 'string'
}
