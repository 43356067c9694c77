import { messageOf, type Log } from '../log.ts'
import { ApiError, type Api } from './api.ts'
import { ClusterState, type Kind } from './cluster-state.ts'
import { defaultTiming, reflect, type ReflectorTiming, type Sink } from './reflector.ts'
import { watchRules } from './rule-watch.ts'
import { ruleSink, sinksOf } from './sinks.ts'
import type { SavedState } from './saved-state.ts'
import type { Snapshot } from './snapshot.ts'

export interface ClusterWatchInit {
  readonly api: Api
  readonly nodeName: string
  readonly saved?: SavedState
  readonly log: Log
  readonly onSnapshot: (snapshot: Snapshot) => void
  readonly timing?: Partial<ReflectorTiming>
  /** How long until an API without DestinationRules is asked again. */
  readonly absentLookMs?: number
}

/** What can be said about the connection to the API. */
export interface SyncStatus {
  /** Every kind was listed by this process. */
  readonly isSynced: boolean
  /** The state in use was, at least in part, read from disk. */
  readonly isFromDisk: boolean
  /** Since the kind that was heard of longest ago: list, event or bookmark. Infinity before the first list. */
  readonly ageSeconds: number
  readonly failures: Readonly<Record<Kind, number>>
}

/** Between two snapshots lies at least this much, so that a burst makes few. */
const collectMs = 20

/** A change after a pause waits this long, for those that come with it. */
const firstCollectMs = 2

/** The state is saved this long after a change, at most once in that time. */
const saveDelayMs = 1000

/** Between two writes of the state lies at least this many times what one takes. */
const savePauseFactor = 20

/** The first snapshot waits this long for rules of balancing, so that a restart does not move anybody. */
const rulesWaitMs = 2000

/** A new custom resource is found within a minute. */
const defaultAbsentLookMs = 40_000

const kinds: readonly Kind[] = ['services', 'slices', 'namespaces', 'nodes']

/** Follows the API and gives a snapshot after each change; begins with what was saved on disk. */
export class ClusterWatch {
  readonly #init: ClusterWatchInit
  readonly #state: ClusterState
  readonly #sinks: Readonly<Record<Kind, Sink>>
  readonly #stop = new AbortController()
  readonly #contactAtMs = new Map<Kind, number>()
  readonly #failures: Record<Kind, number> = { services: 0, slices: 0, namespaces: 0, nodes: 0 }
  readonly #synced = new Set<Kind>()
  readonly #lastTrouble = new Map<Kind, string>()
  #areRulesSettled = false
  #isFromDisk = false
  #collecting: NodeJS.Timeout | undefined
  #collectedAtMs = -Infinity
  #saving: NodeJS.Timeout | undefined
  #saveMs = 0
  #writing: Promise<void> = Promise.resolve()
  #running: Promise<unknown> = Promise.resolve()

  constructor(init: ClusterWatchInit) {
    this.#init = init
    this.#state = new ClusterState(init.nodeName, () => this.#changed())
    this.#sinks = sinksOf(this.#state)
  }

  get status(): SyncStatus {
    const now = performance.now()
    const ages = kinds.map((kind) => {
      const at = this.#contactAtMs.get(kind)
      return at === undefined ? Infinity : (now - at) / 1000
    })
    return {
      isSynced: kinds.every((kind) => this.#synced.has(kind)),
      isFromDisk: this.#isFromDisk,
      ageSeconds: Math.max(...ages),
      failures: this.#failures,
    }
  }

  /** Nobody tells of changes of endpoints: what was asked last failed, and nothing was heard since. */
  get isOffline(): boolean {
    return this.#lastTrouble.has('slices')
  }

  /** Gives the saved state, if there is one, then follows the API until `stop`. */
  async start(): Promise<void> {
    await this.#load()
    const kindsRunning = kinds.map(async (kind) => this.#follow(kind))
    this.#running = Promise.all([...kindsRunning, this.#followRules()])
  }

  /** Ends all watches and saves what is known. */
  async stop(): Promise<void> {
    this.#stop.abort()
    clearTimeout(this.#collecting)
    await this.#running
    if (this.#saving !== undefined) {
      clearTimeout(this.#saving)
      await this.#save()
    }
    // why: to end while the state is written would lose it
    await this.#writing
  }

  async #load(): Promise<void> {
    const { saved, log } = this.#init
    if (saved === undefined) return
    try {
      const found = await saved.load()
      if (found === undefined) return
      this.#state.load(found.records)
      log.info('begin with the saved state of the cluster', {
        savedAt: found.savedAt.toISOString(),
        services: found.records.services.length,
      })
      this.#isFromDisk = true
      this.#init.onSnapshot(this.#state.snapshot())
    } catch (error) {
      log.warn('the saved state of the cluster is of no use', { error: messageOf(error) })
    }
  }

  async #follow(kind: Kind): Promise<void> {
    const { api, nodeName, timing, log } = this.#init
    const own = kind === 'nodes' ? { fieldSelector: `metadata.name=${nodeName}` } : {}
    const path = paths[kind]
    await reflect(
      {
        api,
        path,
        ...own,
        sink: this.#sinks[kind],
        timing: { ...defaultTiming, ...timing },
        onContact: () => {
          this.#contactAtMs.set(kind, performance.now())
          if (this.#lastTrouble.delete(kind)) log.info('the Kubernetes API answers again', { path })
        },
        onSynced: () => {
          this.#synced.add(kind)
          if (this.status.isSynced) this.#isFromDisk = false
          this.#changed()
        },
        onTrouble: (error) => {
          this.#failures[kind] += 1
          this.#tell(kind, path, error)
        },
      },
      this.#stop.signal,
    )
  }

  async #followRules(): Promise<void> {
    const { api, timing, log, absentLookMs = defaultAbsentLookMs } = this.#init
    const onSettled = (): void => {
      clearTimeout(late)
      if (this.#areRulesSettled) return
      this.#areRulesSettled = true
      this.#changed()
    }
    const late = setTimeout(onSettled, rulesWaitMs)
    late.unref()
    const sink = ruleSink(this.#state)
    const init = {
      api,
      sink,
      timing: { ...defaultTiming, ...timing },
      absentLookMs,
      log,
      onSettled,
    }
    await watchRules(init, this.#stop.signal)
    clearTimeout(late)
  }

  /** Each trouble once, until it is another one or over. */
  #tell(kind: Kind, path: string, error: unknown): void {
    const message = messageOf(error)
    if (this.#lastTrouble.get(kind) === message) return
    this.#lastTrouble.set(kind, message)
    // why: 410 is how the server says that a list is due; nothing is wrong
    const level = error instanceof ApiError && error.status === 410 ? 'info' : 'warn'
    this.#init.log[level]('watching the Kubernetes API failed, the last known state stays', {
      path,
      error: message,
    })
  }

  #changed(): void {
    // why: before all kinds were listed a snapshot would be one of half a cluster
    const isListed = this.#areRulesSettled && kinds.every((kind) => this.#synced.has(kind))
    const usable = this.#isFromDisk || isListed
    if (!usable || this.#collecting !== undefined) return
    const sinceMs = performance.now() - this.#collectedAtMs
    const waitMs = Math.max(firstCollectMs, collectMs - sinceMs)
    this.#collecting = setTimeout(() => {
      this.#collecting = undefined
      this.#collectedAtMs = performance.now()
      this.#init.onSnapshot(this.#state.snapshot())
      const delayMs = Math.max(saveDelayMs, this.#saveMs * savePauseFactor)
      this.#saving ??= setTimeout(() => {
        void this.#save()
      }, delayMs)
    }, waitMs)
  }

  async #save(): Promise<void> {
    this.#saving = undefined
    const { saved, log } = this.#init
    if (saved === undefined) return
    this.#writing = this.#writing.then(async () => {
      const startedAt = performance.now()
      try {
        await saved.save(this.#state.records())
        this.#saveMs = performance.now() - startedAt
      } catch (error) {
        log.warn('the state of the cluster could not be saved', {
          path: saved.path,
          error: messageOf(error),
        })
      }
    })
    await this.#writing
  }
}

const paths: Readonly<Record<Kind, string>> = {
  services: '/api/v1/services',
  slices: '/apis/discovery.k8s.io/v1/endpointslices',
  namespaces: '/api/v1/namespaces',
  nodes: '/api/v1/nodes',
}
