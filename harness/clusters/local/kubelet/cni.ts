import { formatAddress, parseCidr } from '../topology.ts'
import { command } from '../network/command.ts'

/** Gives pods addresses and connects them: a veth pair each, routed by the node (as kindnet does). */
export interface Cni {
  /** Connects the network namespace of a process. Gives the address. */
  attach(uid: string, pid: number): Promise<string>
  detach(uid: string): Promise<void>
}

/** Every pod's gateway; it exists on every host side veth, and never leaves a node. */
const gateway = '169.254.1.1'

export function cni(podCidr: string, mtu: number): Cni {
  const [base = 0] = parseCidr(podCidr) ?? []
  const used = new Map<string, number>()
  let last = 1
  const allocate = (): number => {
    const taken = new Set(used.values())
    for (let tried = 0; tried < 253; tried += 1) {
      last = last >= 254 ? 2 : last + 1
      if (!taken.has(last)) return last
    }
    throw new Error(`no address of ${podCidr} is free: a node of provider local holds 253 pods`)
  }
  return {
    attach: async (uid, pid) => {
      const host = allocate()
      used.set(uid, host)
      const address = formatAddress(base + host)
      const device = `pod${host}`
      try {
        await command(
          ['ip', '-batch', '-'],
          `link add ${device} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${pid}
addr add ${gateway}/32 dev ${device}
link set ${device} up
route add ${address}/32 dev ${device}
`,
        )
        await command(
          ['nsenter', '-t', String(pid), '-n', 'ip', '-batch', '-'],
          `link set lo up
addr add ${address}/32 dev eth0
link set eth0 up
route add ${gateway}/32 dev eth0
route add default via ${gateway}
`,
        )
        return address
      } catch (error) {
        used.delete(uid)
        throw error
      }
    },
    detach: async (uid) => {
      const host = used.get(uid)
      if (host === undefined) return
      used.delete(uid)
      // why: the pair is gone already when the pod's namespace went first
      await command(['ip', 'link', 'del', `pod${host}`]).catch(() => undefined)
    },
  }
}
