import type { DnsBehaviour } from './dns/behaviour.ts'

/** How a stream server misbehaves. */
export interface StreamBehaviour {
  /** The listener is closed: the kernel refuses connections. Those that are open stay. */
  readonly refuse?: boolean
  /** Connections are accepted by the kernel, then nothing is read or written. */
  readonly blackhole?: boolean
}

export interface HttpBehaviour extends StreamBehaviour {
  /** Every request is answered with this status, 200 to 599, whatever its path. */
  readonly status?: number
  /** Every answer waits so long. */
  readonly delayMs?: number
}

export interface UdpBehaviour {
  /** The socket is closed: the kernel answers ICMP port unreachable. */
  readonly refuse?: boolean
  /** Datagrams are written down, not answered. */
  readonly blackhole?: boolean
  readonly delayMs?: number
}

export interface Behaviour {
  readonly http: HttpBehaviour
  readonly tcp: StreamBehaviour
  readonly command: StreamBehaviour
  readonly udp: UdpBehaviour
  readonly dns: DnsBehaviour
}

/** The behaviour that is in force, and those who have to act when it changes. */
export interface BehaviourState {
  readonly now: Behaviour
  /**
   * Resolves when everybody acted.
   * @throws what one of them threw; then it is as it was before
   */
  set(behaviour: Behaviour): Promise<void>
  onChange(act: () => Promise<void>): void
}

export const wellBehaved: Behaviour = { http: {}, tcp: {}, command: {}, udp: {}, dns: {} }

export function behaviourState(): BehaviourState {
  let now = wellBehaved
  const acts: (() => Promise<void>)[] = []
  return {
    get now() {
      return now
    },
    set: async (behaviour) => {
      const before = now
      now = behaviour
      try {
        await Promise.all(acts.map((act) => act()))
      } catch (error) {
        now = before
        await Promise.all(acts.map((act) => act()))
        throw error
      }
    },
    onChange: (act) => acts.push(act),
  }
}
