/** Ports of other programs, as far as a NodePort that is not served yet could collide with them. */
import type { ServiceView } from '../kube/snapshot.ts'
import { Few } from './list-change.ts'
import { listeningPorts } from './netfilter/node-facts.ts'
import type { ServicePlan, TrafficPlan } from './plan.ts'

export class BusyPorts {
  readonly #wanted = new Few(({ ports }: ServiceView) => nodePorts(ports))
  readonly #served = new Few(({ ports }: ServicePlan) => nodePorts(ports))

  /**
   * @param plan - what is in force
   * @returns `tcp/30080`, ...; empty while every NodePort is served
   */
  async find(
    services: readonly ServiceView[],
    plan: TrafficPlan | undefined,
  ): Promise<ReadonlySet<string>> {
    this.#wanted.follow(services)
    this.#served.follow(plan?.services ?? [])
    const served = new Set(this.#served.values.flat())
    if (this.#wanted.values.every((ports) => ports.every((port) => served.has(port))))
      return new Set()
    const listening = await listeningPorts()
    return new Set([...listening].filter((port) => !served.has(port)))
  }
}

function nodePorts(
  ports: readonly { readonly protocol: string; readonly nodePort?: number }[],
): readonly string[] | undefined {
  const found = ports.flatMap(({ protocol, nodePort }) =>
    nodePort === undefined ? [] : [`${protocol.toLowerCase()}/${nodePort}`],
  )
  return found.length === 0 ? undefined : found
}
