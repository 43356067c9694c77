/** Keeps the kernel's table equal to the plan: whole at start, by differences later, whole again when somebody broke it. */
import { planChange, type PlanChange, type TrafficPlan } from '../plan.ts'
import {
  changedFronts,
  forgetStaleFlows,
  forgetUntranslated,
  tcpFronts,
  udpFronts,
} from './conntrack.ts'
import { applyScript, listTable, readCounters, readRemembered } from './nft.ts'
import { changeScript, outsideScript, quickScript, removeScript, replaceScript } from './script.ts'
import { Leftovers } from './leftovers.ts'
import type { Site } from './site.ts'
import { Table, type TableChange } from './table.ts'
import { difference } from './verify.ts'

/** Messages for people; a subset of the agent's logger. */
export interface Log {
  info(message: string, facts?: Readonly<Record<string, unknown>>): void
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void
}

const noChange: TableChange = {
  chains: [],
  counters: [],
  affinitySets: [],
  elements: new Map(),
  emptied: [],
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
  readonly #leftovers = new Leftovers()
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
    const change = planChange(this.#plan, plan)
    if (this.#table === undefined) await this.#fill(plan)
    else await this.#change(this.#table, change)
    const stale = changedFronts(udpFronts(change.gone), udpFronts(change.added))
    const known = tcpFronts(change.gone)
    const added = new Set([...tcpFronts(change.added)].filter((front) => !known.has(front)))
    this.#plan = plan
    await this.#forget(stale)
    await forgetUntranslated(added)
  }

  /** Takes away what quick changes left, so that the kernel has exactly what was written. @throws NetfilterError */
  async settle(): Promise<void> {
    const table = this.#table
    if (table === undefined || this.#leftovers.size === 0) return
    if (await this.#write(table, changeScript(noChange, table, this.#leftovers.all)))
      this.#leftovers.clear()
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
    if (look === undefined) await this.settle()
    const { listing, transactions } = look ?? (await this.look())
    if (transactions !== this.transactions || this.#leftovers.size > 0) return false
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
    this.#leftovers.clear()
  }

  async #fill(plan: TrafficPlan): Promise<void> {
    const next = new Table(this.#site.proxyPort)
    next.change({ gone: [], added: plan.services })
    await this.#replace(next)
  }

  async #replace(next: Table): Promise<void> {
    const remembered = await readRemembered()
    // why: should this fail halfway, the next change must not build on what was there before
    this.#table = undefined
    await applyScript(replaceScript(next, this.#site, remembered))
    this.counters.replaced += 1
    this.#table = next
    this.#listing = undefined
    this.#leftovers.clear()
  }

  async #change(table: Table, planned: PlanChange): Promise<void> {
    let change: TableChange
    try {
      change = table.change(planned)
    } catch (error) {
      this.#table = undefined
      throw error
    }
    const quick = this.#leftovers.areMany
      ? undefined
      : quickScript(change, table, this.#leftovers.all)
    const script = quick ?? changeScript(change, table, this.#leftovers.all)
    if (!(await this.#write(table, script))) return
    if (quick === undefined) this.#leftovers.clear()
    else this.#leftovers.add(change)
  }

  /** @returns false when the whole of `table` had to be written instead */
  async #write(table: Table, script: readonly string[]): Promise<boolean> {
    if (script.length === 0) return true
    this.#listing = undefined
    try {
      await applyScript(script)
      this.counters.changed += 1
      return true
    } catch (error) {
      // why: the difference fails when somebody removed what it builds on; the whole does not depend on that
      const message = error instanceof Error ? error.message : String(error)
      this.#log.warn('a change of the rules failed, writing the whole table', { message })
      this.counters.repaired += 1
      await this.#replace(table)
      return false
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
