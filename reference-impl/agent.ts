import { agentMetrics } from './admin/agent-metrics.ts'
import { processMetrics } from './admin/process-metrics.ts'
import { serveAdmin, type AdminServer } from './admin/server.ts'
import type { Config } from './config.ts'
import type { DataPlane } from './data-plane.ts'
import { NameServer } from './dns/name-server.ts'
import { findAccess } from './kube/access.ts'
import { apiOf, type Api } from './kube/api.ts'
import { ClusterWatch } from './kube/cluster-watch.ts'
import { Owner } from './kube/owner.ts'
import { SavedState } from './kube/saved-state.ts'
import type { Snapshot } from './kube/snapshot.ts'
import { LocalEndpoints } from './local-endpoints.ts'
import { lockNode } from './lock.ts'
import type { Log } from './log.ts'
import { TrafficFollower } from './traffic.ts'
import { version } from './version.ts'

/** The agent of one node, from start to clean end. */
export class Agent {
  readonly #config: Config
  readonly #log: Log
  readonly #names: NameServer
  readonly #dataPlane: DataPlane
  readonly #traffic: TrafficFollower
  readonly #localEndpoints: LocalEndpoints
  #api: Api | undefined
  #watch: ClusterWatch | undefined
  #owner: Owner | undefined
  #admin: AdminServer | undefined
  #snapshot: Snapshot | undefined
  #isEnding = false
  #release: (() => Promise<void>) | undefined

  constructor(config: Config, dataPlane: DataPlane, log: Log) {
    this.#config = config
    this.#log = log
    this.#names = new NameServer(config, log)
    this.#dataPlane = dataPlane
    this.#traffic = new TrafficFollower(dataPlane, log)
    this.#localEndpoints = new LocalEndpoints({
      isOffline: () => this.#watch?.isOffline ?? false,
      onChange: (snapshot) => this.#traffic.follow(snapshot),
      log,
    })
  }

  /** Resolves when all is listening; names and traffic follow as soon as the cluster is known. @throws Error */
  async start(): Promise<void> {
    const config = this.#config
    const lock = await lockNode()
    this.#release = () => lock.release()
    const access = await findAccess({
      ...(config.kubeconfig !== undefined && { kubeconfig: config.kubeconfig }),
      ...(config.server !== undefined && { server: config.server }),
    })
    if (access.skipVerify) this.#log.warn("the Kubernetes API's certificate is not verified")
    this.#admin = await this.#serveAdmin()
    await this.#names.listen()
    this.#api = apiOf(access)
    this.#watch = new ClusterWatch({
      api: this.#api,
      nodeName: config.nodeName,
      log: this.#log,
      onSnapshot: (snapshot) => this.#follow(snapshot),
      timing: {
        watchMs: config.watchTimeout * 1000,
        emptyListConfirmMs: config.emptyListConfirm * 1000,
      },
      ...(config.stateDir !== undefined && { saved: new SavedState(config.stateDir) }),
    })
    await this.#watch.start()
    this.#localEndpoints.start()
    if (config.owner !== undefined) {
      this.#owner = new Owner(this.#api, config.owner)
      this.#owner.start(this.#log)
    }
  }

  /** Finishes what is under way within `drainTimeout`, then leaves the node as `cleanupOnExit` says. */
  async stop(): Promise<void> {
    this.#isEnding = true
    const { drainTimeout, cleanupOnExit } = this.#config
    const cleanUp = await this.#shallCleanUp()
    // why: what the API takes to answer is not taken from requests under way
    const deadline = AbortSignal.timeout(drainTimeout * 1000)
    this.#log.info('ending', { cleanUp, drainTimeoutSeconds: drainTimeout })
    const undo = new Undo(this.#log)
    // why: names first, so that this node asks its own servers again; pods are answered until the end
    if (cleanupOnExit !== 'never') await undo.run(async () => this.#names.unnameInNode())
    await undo.run(async () => this.#watch?.stop())
    await undo.run(async () => this.#localEndpoints.stop())
    await undo.run(async () => this.#traffic.stop())
    await undo.run(async () => this.#dataPlane.drain(deadline))
    await undo.run(async () => this.#dataPlane.close({ cleanUp }))
    await undo.run(async () => this.#names.close())
    if (cleanUp) await undo.run(async () => this.#names.removeAddress())
    await undo.run(async () => this.#admin?.close())
    this.#api?.close()
    await undo.run(async () => this.#release?.())
  }

  #follow(snapshot: Snapshot): void {
    const isFirst = this.#snapshot === undefined
    this.#snapshot = snapshot
    this.#names.update(snapshot)
    this.#traffic.follow(this.#localEndpoints.follow(snapshot))
    if (!isFirst || this.#isEnding) return
    this.#names.nameInNode().catch((error: unknown) => {
      this.#log.warn(
        "the node's resolv.conf stays as it is: programs on the node itself do not ask this agent",
        {
          error: error instanceof Error ? error.message : String(error),
        },
      )
    })
  }

  async #shallCleanUp(): Promise<boolean> {
    const { cleanupOnExit } = this.#config
    if (cleanupOnExit !== 'auto') return cleanupOnExit === 'always'
    return (await this.#owner?.isGone()) ?? false
  }

  async #serveAdmin(): Promise<AdminServer> {
    const { address, port } = this.#config.adminAddress
    const init = {
      address,
      port,
      version,
      conditions: () => this.#conditions(),
      metrics: async () => [
        ...agentMetrics({
          version,
          traffic: await this.#dataPlane.counters(),
          dns: this.#names.counters,
          dnsCacheSize: this.#names.cacheSize,
          sync: this.#watch?.status ?? neverSynced,
          snapshotVersion: this.#snapshot?.version ?? 0,
          services: this.#snapshot?.services.size ?? 0,
          isReady: Object.values(this.#conditions()).every(Boolean),
        }),
        ...(await processMetrics()),
      ],
    }
    return await serveAdmin(init).catch((cause: unknown) => {
      const { code = String(cause) } = cause as NodeJS.ErrnoException
      throw new Error(`--admin-address ${address}:${port} cannot be listened on: ${code}`, {
        cause,
      })
    })
  }

  #conditions(): Readonly<Record<string, boolean>> {
    return {
      'the cluster is known': this.#snapshot !== undefined,
      'the name server listens': this.#names.isListening,
      'the rules are in force': this.#traffic.isInForce,
      'the agent is not ending': !this.#isEnding,
    }
  }
}

const neverSynced = {
  isSynced: false,
  isFromDisk: false,
  ageSeconds: Infinity,
  failures: { services: 0, slices: 0, namespaces: 0, nodes: 0 },
}

/** Runs the steps of an orderly end: one that fails is logged and the next is taken. */
class Undo {
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  async run(step: () => Promise<unknown>): Promise<void> {
    try {
      await step()
    } catch (error) {
      this.#log.error('a step of the end failed', {
        error: error instanceof Error ? error.message : String(error),
      })
    }
  }
}
