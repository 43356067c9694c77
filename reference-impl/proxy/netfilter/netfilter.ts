/** Keeps the kernel's table equal to the plan: whole at start, by differences later, whole again when somebody broke it. */
import type { TrafficPlan } from '../plan.ts'
import { compile } from './compile.ts'
import {
  changedFronts,
  forgetStaleFlows,
  forgetUntranslated,
  tcpFronts,
  udpFronts,
} from './conntrack.ts'
import { applyScript, listTable, readCounters, readRemembered } from './nft.ts'
import { changeScript, outsideScript, removeScript, replaceScript } from './script.ts'
import type { Site } from './site.ts'
import type { Table } from './table.ts'
import { difference } from './verify.ts'

/** Messages for people; a subset of the agent's logger. */
export interface Log {
  info(message: string, facts?: Readonly<Record<string, unknown>>): void
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void
}

/** The kernel's table at one moment. */
export interface Look {
  readonly listing: string
  /** How many transactions of ours were before it. */
  readonly transactions: number
}

export class Netfilter {
  #site: Site
  readonly #log: Log
  #table: Table | undefined
  #plan: TrafficPlan | undefined
  /** The table as nft lists it after our last change. */
  #listing: string | undefined
  #saidNoConntrack = false
  /** Transactions since start: whole tables, differences, repairs after somebody else's change. */
  readonly counters = { replaced: 0, changed: 0, repaired: 0 }

  constructor(site: Site, log: Log) {
    this.#site = site
    this.#log = log
  }

  /** Makes the rules follow `plan`. @throws NetfilterError; the rules before stay in force then */
  async apply(plan: TrafficPlan): Promise<void> {
    const next = compile(plan, this.#site.proxyPort)
    if (this.#table === undefined) await this.#replace(next)
    else await this.#change(this.#table, next)
    const stale = changedFronts(udpFronts(this.#plan), udpFronts(plan))
    const known = tcpFronts(this.#plan)
    const added = new Set([...tcpFronts(plan)].filter((front) => !known.has(front)))
    this.#plan = plan
    await this.#forget(stale)
    await forgetUntranslated(added)
  }

  /** What the kernel holds now, for `check`; changes may be written meanwhile. */
  async look(): Promise<Look> {
    const { transactions } = this
    const listing = normalised(await listTable())
    return { transactions, listing }
  }

  /** Transactions of ours since start. */
  get transactions(): number {
    return this.counters.replaced + this.counters.changed
  }

  /**
   * Compares the kernel's table with what we wrote, follows changed interfaces, repairs.
   * @returns false when the look was from before a change, and says nothing
   * @throws NetfilterError
   */
  async check(site: Site, look?: Look): Promise<boolean> {
    const table = this.#table
    if (table === undefined) return true
    const { listing, transactions } = look ?? (await this.look())
    if (transactions !== this.transactions) return false
    const known = this.#listing
    const problem =
      known === undefined
        ? difference(listing, table, this.#site)
        : known === listing
          ? undefined
          : 'the listing differs'
    const interfacesChanged = site.outsideInterfaces.join() !== this.#site.outsideInterfaces.join()
    if (problem !== undefined) {
      this.#site = site
      this.counters.repaired += 1
      this.#log.warn('somebody else changed our nftables table: written anew', { problem })
      await this.#replace(table)
    } else if (interfacesChanged) {
      this.#site = site
      this.#listing = undefined
      await applyScript(outsideScript(site.outsideInterfaces))
    } else {
      // why: listed only here, not after each change: a burst of changes costs one listing
      this.#listing = listing
    }
    return true
  }

  /** New connections per Service port since its counter was made. */
  async connections(): Promise<ReadonlyMap<string, number>> {
    return await readCounters()
  }

  /** Leaves nothing of ours in the kernel. */
  async remove(): Promise<void> {
    await applyScript(removeScript())
    this.#table = undefined
    this.#listing = undefined
  }

  async #replace(next: Table): Promise<void> {
    const remembered = await readRemembered()
    // why: should this fail halfway, the next change must not build on what was there before
    this.#table = undefined
    await applyScript(replaceScript(next, this.#site, remembered))
    this.counters.replaced += 1
    this.#table = next
    this.#listing = undefined
  }

  async #change(previous: Table, next: Table): Promise<void> {
    const script = changeScript(previous, next)
    if (script.length === 0) return
    this.#listing = undefined
    try {
      await applyScript(script)
      this.counters.changed += 1
      this.#table = next
    } catch (error) {
      // why: the difference fails when somebody removed what it builds on; the whole does not depend on that
      const message = error instanceof Error ? error.message : String(error)
      this.#log.warn('a change of the rules failed, writing the whole table', { message })
      this.counters.repaired += 1
      await this.#replace(next)
    }
  }

  async #forget(fronts: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
    const forgotten = await forgetStaleFlows(fronts)
    if (forgotten !== undefined || this.#saidNoConntrack) return
    this.#saidNoConntrack = true
    this.#log.warn(
      'the conntrack program is missing: UDP clients of an endpoint that went away stay with it until they pause for 30 s (apt-get install conntrack)',
    )
  }
}

/** Without what packets change: the clients in affinity sets. */
function normalised(listing: string | undefined): string {
  return (listing ?? '').replace(/(set aff\/[^{]*\{[^{}]*?)elements = \{[^}]*\}\s*/g, '$1')
}
