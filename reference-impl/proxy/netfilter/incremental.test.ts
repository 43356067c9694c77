/** Whatever changes in whatever order: the rules that grew by differences are those that one would write from scratch. */
import t from 'tap'
import type { ServicePortView, ServiceView } from '../../kube/snapshot.ts'
import { planChange, type TrafficPlan } from '../plan.ts'
import { Planner, planTraffic, type PlanContext } from '../planner.ts'
import { Leftovers } from './leftovers.ts'
import { changeScript, quickScript, replaceScript } from './script.ts'
import { Table } from './table.ts'
import { KernelModel } from './testing/kernel-model.ts'

const proxyPort = 15_001
const site = {
  proxyPort,
  proxyRange: '169.254.64.0/19',
  protectedAddresses: [],
  outsideInterfaces: ['eth0'],
}
const noChange = {
  ...{ chains: [], counters: [], affinitySets: [], emptied: [] },
  elements: new Map(),
}

/** why: one object, as in the agent as long as nothing about the node changes */
const node = { name: 'here', addresses: ['192.168.1.1'], podCidrs: [] }

/** Uniform from 0 to below `limit`: the multiplicative generator of Park and Miller. */
function dice(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647
    return state % limit
  }
}

const some = <T>(roll: (limit: number) => number, values: readonly T[]): T =>
  values[roll(values.length)] as T

/** Few names, addresses and ports, so that Services collide, come back and share endpoints. */
function randomService(roll: (limit: number) => number): ServiceView {
  const number = roll(8)
  const endpoints = Array.from({ length: some(roll, [0, 1, 2, 3, 5, 12]) }, () => ({
    address: `10.244.1.${roll(20)}`,
    port: some(roll, [80, 8080]),
    ready: roll(5) > 0,
    serving: true,
    terminating: roll(5) === 0,
    ...(roll(2) === 0 && { nodeName: some(roll, ['here', 'there']) }),
  }))
  const port = (at: number): ServicePortView => ({
    name: some(roll, ['', 'http', 'tcp']),
    protocol: some(roll, ['TCP', 'TCP', 'UDP', 'SCTP'] as const),
    port: 80 + at,
    endpoints: endpoints.slice(at),
    ...(roll(4) === 0 && { nodePort: 30_000 + roll(3) }),
  })
  return {
    namespace: 'default',
    name: `s${number}`,
    type: 'ClusterIP',
    clusterIps: [`10.96.0.${some(roll, [number, number, roll(8)])}`],
    externalIps: roll(4) === 0 ? [some(roll, ['203.0.113.1', '203.0.113.2', '10.96.0.3'])] : [],
    isHeadless: roll(12) === 0,
    publishNotReadyAddresses: roll(8) === 0,
    internalTrafficPolicy: some(roll, ['Cluster', 'Cluster', 'Local'] as const),
    externalTrafficPolicy: some(roll, ['Cluster', 'Cluster', 'Local'] as const),
    ...(roll(4) === 0 && { affinitySeconds: some(roll, [10, 60]) }),
    labels: {},
    annotations: {},
    ports: Array.from({ length: roll(3) }, (_, at) => port(at)),
    endpoints: [],
  }
}

/** The most common change: some pods of a Service give way to others. */
function withOthers(roll: (limit: number) => number, service: ServiceView): ServiceView {
  const address = `10.244.1.${roll(20)}`
  const ports = service.ports.map((port) => {
    const from = roll(Math.max(1, port.endpoints.length))
    const one = { address, port: 80, ready: true, serving: true, terminating: false }
    return { ...port, endpoints: [...port.endpoints.slice(0, from), one] }
  })
  return { ...service, ports }
}

function contextOf(roll: (limit: number) => number): PlanContext {
  return {
    node,
    ownAddresses: new Set(['192.168.1.1']),
    reservedAddresses: new Set(['192.168.1.1']),
    busyPorts: new Set(roll(6) === 0 ? ['tcp/30001'] : []),
    proxyAddress,
    destinationRules: rules,
  }
}
const proxyAddress = (id: string): string => `169.254.64.${id.length}`
const rules = [
  {
    namespace: 'default',
    name: 's1',
    created: '',
    host: 's1',
    policy: { kind: 'source-address' },
    ports: [],
    notes: [],
  },
] as const

const withoutOrder = (plan: TrafficPlan): readonly string[] =>
  plan.services.map((service) => JSON.stringify(service)).sort()

for (const seed of [1, 2, 3, 4, 5]) {
  t.test(`300 changes, seed ${seed}`, async (t) => {
    const roll = dice(seed)
    const services = new Map<string, ServiceView>()
    const planner = new Planner()
    const table = new Table(proxyPort)
    const kernel = new KernelModel()
    const leftovers = new Leftovers()
    let plan: TrafficPlan | undefined
    let quickOnes = 0
    for (let step = 0; step < 300; step += 1) {
      for (let count = some(roll, [1, 1, 1, 2, 5]); count > 0; count -= 1) {
        const known = services.get(`s${roll(8)}`)
        const service =
          known !== undefined && roll(3) > 0 ? withOthers(roll, known) : randomService(roll)
        if (roll(8) === 0) services.delete(service.name)
        else services.set(service.name, service)
      }
      const context = contextOf(roll)
      const planned = planner.plan([...services.values()], context)
      const fresh = planTraffic(services.values(), context)
      t.same(withoutOrder(planned.plan), withoutOrder(fresh.plan), `plan of step ${step}`)
      t.same([...planned.problems].sort(), [...fresh.problems].sort(), `problems of ${step}`)

      const change = table.change(planChange(plan, planned.plan))
      const quick = leftovers.areMany ? undefined : quickScript(change, table, leftovers.all)
      if (plan === undefined) kernel.apply(replaceScript(table, site, []))
      else {
        kernel.apply(quick ?? changeScript(change, table, leftovers.all))
        if (quick === undefined) leftovers.clear()
        else leftovers.add(change)
        quickOnes += quick === undefined ? 0 : 1
      }
      plan = planned.plan
      if (roll(3) > 0) continue

      kernel.apply(changeScript(noChange, table, leftovers.all))
      leftovers.clear()
      const scratch = new Table(proxyPort)
      scratch.change({ gone: [], added: fresh.plan.services })
      const other = new KernelModel()
      other.apply(replaceScript(scratch, site, []))
      t.same(kernel.resolved(), other.resolved(), `rules of step ${step}`)
      t.same(countsOf(kernel), countsOf(table), 'and the table knows what is there')
    }
    t.ok(quickOnes > 20, `${quickOnes} changes took nothing away`)
  })
}

function countsOf({ chains, counters }: KernelModel | Table): unknown {
  return [[...chains].map(([name, own]) => [name, own.length]).sort(), counters.size]
}
