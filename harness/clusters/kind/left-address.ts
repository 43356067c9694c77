import type { AbortOptions } from '../../model/abort.ts'
import { output } from './cli.ts'

export interface LeftAddressInit {
  /** Docker containers of the nodes. */
  readonly containers: readonly string[]
  /** Where a target answers names. */
  readonly address: string
}

/** Addresses that a target gives to its node itself; every other one is the cluster's (RFC 3927). */
const linkLocal = /^169\.254\./

/**
 * Notes which nodes have the address of the target's name server before it comes. Gives what takes it away from the
 * others when the target is gone: EdgeMesh leaves its link edgemesh0 behind, and the next target would find its own
 * address taken.
 */
export async function leftAddressRemover(
  { containers, address }: LeftAddressInit,
  options: AbortOptions,
): Promise<(options: AbortOptions) => Promise<void>> {
  if (!linkLocal.test(address)) return () => Promise.resolve()
  const had = new Set<string>()
  for (const container of containers) {
    const show = ['docker', 'exec', container, 'ip', '-o', '-4', 'addr', 'show', 'to', address]
    if ((await output(show, options)).trim() !== '') had.add(container)
  }
  return async (each) => {
    for (const container of containers)
      if (!had.has(container))
        await output(['docker', 'exec', container, 'sh', '-c', removeScript, 'sh', address], each)
  }
}

/** A link that is the target's own goes as a whole; the node's own lose the address alone. */
const removeScript = `ip -o -4 addr show to "$1" | while read -r _ link _; do
  case $link in
    lo | eth*) ip addr del "$1/32" dev "$link" ;;
    *) ip link del "$link" ;;
  esac
done`
