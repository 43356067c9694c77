import { command } from '../../network/command.ts'
import { formatAddress, parseCidr } from '../../topology.ts'

/** Gives pods addresses and connects them: a veth pair each, routed by the node (as kindnet's ptp). */
export interface Cni {
  /**
   * Connects the network namespace of a process. Gives the pod's address.
   * @throws Error when the node's range is used up
   */
  attach(uid: string, pid: number): Promise<string>
  detach(uid: string): Promise<void>
}

export interface CniInit {
  readonly podCidr: string
  readonly nodeAddress: string
}

/** Every pod's gateway: an address of every host-side device, which no packet ever carries. */
const gateway = '169.254.1.1'

/** Host numbers of pods: .0 is the network, .1 stays free for a gateway that people look for there. */
const firstHost = 2
const lastHost = 254

export function cni({ podCidr, nodeAddress }: CniInit): Cni {
  const [base = 0] = parseCidr(podCidr) ?? []
  const used = new Map<string, number>()
  let last = firstHost - 1
  let mtu: Promise<number> | undefined
  const allocate = (): number => {
    const taken = new Set(used.values())
    for (let tried = firstHost; tried <= lastHost; tried += 1) {
      // why: an address rests before it is given again, so that nobody talks to a stranger
      last = last >= lastHost ? firstHost : last + 1
      if (!taken.has(last)) return last
    }
    throw new Error(
      `no IP addresses available in range ${podCidr}: a node of provider local holds ${lastHost - firstHost + 1} pods`,
    )
  }
  return {
    attach: async (uid, pid) => {
      const host = allocate()
      used.set(uid, host)
      const address = formatAddress(base + host)
      try {
        mtu ??= mtuOf('eth0')
        await connect(`pod${host}`, address, nodeAddress, await mtu, pid)
        return address
      } catch (error) {
        used.delete(uid)
        throw error
      }
    },
    detach: async (uid) => {
      const host = used.get(uid)
      if (host === undefined) return
      // why: the kernel takes a dead namespace down when it finds the time; the address must be free at once
      await command(['ip', 'link', 'del', `pod${host}`]).catch(() => undefined)
      used.delete(uid)
    },
  }
}

/** The node sends from its own address, as it does to everybody else. */
async function connect(
  device: string,
  address: string,
  nodeAddress: string,
  mtu: number,
  pid: number,
): Promise<void> {
  await command(
    ['ip', '-batch', '-'],
    `link add ${device} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${pid}
addr add ${gateway}/32 dev ${device} scope link
link set ${device} up
route add ${address}/32 dev ${device} src ${nodeAddress}
`,
  )
  await command(
    ['nsenter', '-t', String(pid), '-n', 'ip', '-batch', '-'],
    `link set lo up
addr add ${address}/32 dev eth0
link set eth0 up
route add ${gateway}/32 dev eth0 scope link
route add default via ${gateway} src ${address}
`,
  )
}

/** The kernel's own default, for a node without eth0. */
const usualMtu = 1500

async function mtuOf(device: string): Promise<number> {
  const shown = await command(['ip', '-o', 'link', 'show', 'dev', device]).catch(() => '')
  return Number(/ mtu (\d+)/.exec(shown)?.[1] ?? usualMtu)
}
