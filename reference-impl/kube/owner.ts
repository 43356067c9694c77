import type { Log } from '../log.ts'
import { ApiError, type Api } from './api.ts'
import { defaultTiming, reflect } from './reflector.ts'

/** How long an agent that ends may wait for the API's word on its owner. */
const lastQuestionMs = 1000

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

  /** True only when the API said so; false also when it cannot be asked. */
  async isGone(): Promise<boolean> {
    this.#stop.abort()
    if (this.#isGone) return true
    try {
      const options = { signal: AbortSignal.timeout(lastQuestionMs), timeoutMs: lastQuestionMs }
      return isDeleted(await this.#api.get(`${this.#collection}/${this.#name}`, options))
    } catch (error) {
      return error instanceof ApiError && error.status === 404
    }
  }

  get #collection(): string {
    return `/apis/apps/v1/namespaces/${this.#namespace}/daemonsets`
  }
}

function isDeleted(object: unknown): boolean {
  const { metadata } = object as { metadata?: { deletionTimestamp?: unknown } | null }
  return typeof metadata?.deletionTimestamp === 'string'
}
