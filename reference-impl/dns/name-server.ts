import { readFile } from 'node:fs/promises'
import type { Config } from '../config.ts'
import type { Snapshot } from '../kube/snapshot.ts'
import type { Log } from '../log.ts'
import { ClientFilter } from './clients.ts'
import { DnsCounters } from './counters.ts'
import type { Server } from './exchange.ts'
import { Forwarder } from './forwarder.ts'
import { LocalAddress } from './local-address.ts'
import { NodeResolvConf } from './node-resolv-conf.ts'
import { nameservers } from './resolv-conf.ts'
import { Responder } from './responder.ts'
import { serveTcp } from './tcp-server.ts'
import { serveUdp, type DnsServer } from './udp-server.ts'

/** How often the address and the node's resolv.conf are looked after. */
const careIntervalMs = 2000

export type NameServerConfig = Pick<
  Config,
  | 'clusterDomain'
  | 'dnsAddress'
  | 'dnsPort'
  | 'manageAddress'
  | 'dnsTtl'
  | 'dnsNegativeTtl'
  | 'upstream'
  | 'nodeResolvConf'
>

/** The name server with all it needs on the node: an address, sockets, the node's resolv.conf. */
export class NameServer {
  readonly counters: DnsCounters = new DnsCounters()
  readonly #config: NameServerConfig
  readonly #log: Log
  readonly #clients = new ClientFilter()
  readonly #address: LocalAddress
  readonly #resolvConf: NodeResolvConf | undefined
  readonly #forwarder: Forwarder
  readonly #responder: Responder
  #servers: readonly DnsServer[] = []
  #upstreams = ''
  #isNamed = false
  #timer: NodeJS.Timeout | undefined
  #care: Promise<void> = Promise.resolve()
  #lastTrouble = ''

  constructor(config: NameServerConfig, log: Log) {
    this.#config = config
    this.#log = log
    const { counters } = this
    const { dnsAddress: address, nodeResolvConf: path } = config
    this.#address = new LocalAddress(address)
    if (path !== undefined) this.#resolvConf = new NodeResolvConf({ path, address, log })
    this.#forwarder = new Forwarder({ servers: [], counters })
    this.#responder = new Responder({
      domain: config.clusterDomain,
      ttlSeconds: config.dnsTtl,
      negativeTtlSeconds: config.dnsNegativeTtl,
      serverAddress: address,
      forwarder: this.#forwarder,
      counters,
    })
  }

  get isListening(): boolean {
    return this.#servers.length > 0
  }

  get cacheSize(): number {
    return this.#forwarder.cacheSize
  }

  /** @throws Error when the address cannot be had or is served by another program */
  async listen(): Promise<void> {
    const { dnsAddress: address, dnsPort: port, manageAddress } = this.#config
    if (manageAddress) await this.#address.ensure()
    await this.#findUpstreams()
    const init = {
      address,
      port,
      responder: this.#responder,
      counters: this.counters,
      allows: (client: string): boolean => this.#clients.allows(client),
    }
    const udp = await serveUdp(init).catch(explain(address, port, 'UDP'))
    this.#servers = [udp]
    this.#servers = [
      udp,
      await serveTcp({ ...init, port: udp.port }).catch(explain(address, port, 'TCP')),
    ]
    this.#timer = setInterval(() => {
      this.#care = this.#lookAfter()
    }, careIntervalMs)
    this.#timer.unref()
  }

  /** Names follow `snapshot` from now on. */
  update(snapshot: Snapshot): void {
    this.#responder.update(snapshot)
    this.#clients.update(snapshot.node.addresses, snapshot.node.podCidrs)
  }

  /** Makes the node itself ask here first. @throws Error when its resolv.conf cannot be changed */
  async nameInNode(): Promise<void> {
    this.#isNamed = true
    await this.#resolvConf?.insert()
  }

  /** Gives the node's resolv.conf back as it was; questions are still answered. */
  async unnameInNode(): Promise<void> {
    clearInterval(this.#timer)
    await this.#care
    this.#isNamed = false
    await this.#resolvConf?.restore()
  }

  /** Answers what is under way, then closes. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#care
    await Promise.all(this.#servers.map(async (server) => server.close()))
    this.#servers = []
    this.#forwarder.close()
  }

  /** Takes the address off, also one that an earlier agent left. */
  async removeAddress(): Promise<void> {
    if (!this.#config.manageAddress) return
    if (this.#address.device === 'lo') await this.#address.ensure()
    await this.#address.remove()
  }

  /** Puts right what others changed: the address, the node's resolv.conf, the node's name servers. */
  async #lookAfter(): Promise<void> {
    try {
      if (this.#clients.refresh()) this.#forwarder.refresh()
      if (this.#config.manageAddress) await this.#address.ensure()
      if (this.#resolvConf === undefined || (await this.#resolvConf.hasChanged())) {
        await this.#findUpstreams()
        if (this.#isNamed) await this.#resolvConf?.insert()
      }
      this.#lastTrouble = ''
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (message !== this.#lastTrouble)
        this.#log.warn('the address or the resolv.conf of the node could not be looked after', {
          error: message,
        })
      this.#lastTrouble = message
    }
  }

  async #findUpstreams(): Promise<void> {
    const servers = this.#config.upstream ?? (await this.#nodeServers())
    // why: to ask ourselves would be a loop
    const others = servers.filter(
      ({ address, port }) =>
        !(address === this.#config.dnsAddress && port === this.#config.dnsPort),
    )
    const now = others.map(({ address, port }) => `${address} ${port}`).join()
    if (now === this.#upstreams) return
    this.#upstreams = now
    this.#forwarder.use(others)
    this.#log.info('other names are asked for at', {
      servers: others.map(({ address }) => address),
    })
  }

  async #nodeServers(): Promise<readonly Server[]> {
    const addresses =
      this.#resolvConf === undefined
        ? nameservers(await readFile('/etc/resolv.conf', 'latin1').catch(() => ''))
        : await this.#resolvConf.servers()
    return addresses.map((address) => ({ address, port: 53 }))
  }
}

function explain(address: string, port: number, protocol: string): (error: unknown) => never {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException
    const reason =
      code === 'EADDRINUSE'
        ? 'another program serves it (ss -lnp shows which)'
        : code === 'EADDRNOTAVAIL'
          ? 'no device of this node has the address'
          : code === 'EACCES'
            ? 'this process may not (CAP_NET_BIND_SERVICE)'
            : String(error)
    throw new Error(`the name server cannot listen on ${protocol} ${address}:${port}: ${reason}`, {
      cause: error,
    })
  }
}
