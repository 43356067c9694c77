import type { AbortOptions } from '../../model/abort.ts'
import { output } from './cli.ts'
import { argvIn } from './leftovers.ts'
import { noteFault } from './state.ts'

export interface LeftAddressInit {
  /** Name of the cluster. */
  readonly name: string
  /** Docker containers of the nodes. */
  readonly containers: readonly string[]
  /** Where a target answers names. */
  readonly address: string
}

/** Addresses that a target gives to its node itself; every other one is the cluster's (RFC 3927). */
const linkLocal = /^169\.254\./

/** What is to become of the address when the run is over. */
export interface LeftAddress {
  /** Takes it away from the nodes that did not have it. */
  remove(options: AbortOptions): Promise<void>
  /** The target stays, and its address. */
  leave(): Promise<void>
}

/**
 * Finds out which nodes have the address of the target's name server before it comes. It is to be taken away from the
 * others when the target is gone: EdgeMesh leaves its link edgemesh0 behind, and the next target would find its own
 * address taken. That is noted as a fault is, so that it is done, too, when the harness is killed.
 */
export async function leftAddress(
  { name, containers, address }: LeftAddressInit,
  options: AbortOptions,
): Promise<LeftAddress> {
  const undo = ['sh', '-c', removeScript, 'sh', address]
  const notes = new Map<string, () => Promise<void>>()
  for (const container of linkLocal.test(address) ? containers : []) {
    const show = ['ip', '-o', '-4', 'addr', 'show', 'to', address]
    if ((await output(argvIn(container, show), options)).trim() === '')
      notes.set(container, await noteFault(name, container, [undo]))
  }
  return {
    remove: async (each) => {
      for (const [container, forget] of notes) {
        await output(argvIn(container, undo), each)
        await forget()
      }
    },
    leave: async () => {
      for (const forget of notes.values()) await forget()
    },
  }
}

/** A link that is the target's own goes as a whole; the node's own lose the address alone. */
const removeScript = `ip -o -4 addr show to "$1" | while read -r _ link _; do
  case $link in
    lo | eth*) ip addr del "$1/32" dev "$link" ;;
    *) ip link del "$link" ;;
  esac
done`
