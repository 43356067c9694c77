import { ResourceStack } from '../../model/resource-stack.ts'
import { kubeProxyCoreDns } from '../../targets/kube-proxy-coredns/target.ts'
import { type Arm, type BenchPlan, inTurn, ratios, tell } from './arm.ts'
import { tellGoals } from './goal.ts'
import { forgetClosedConnections, wrk } from './programs.ts'
import { areThere, type BenchScene, benchSceneOf, ourTarget } from './scene.ts'

/** Under way at once; enough to keep both ends busy, few enough that a request does not wait for others alone. */
const connections = 16

const names = {
  direct: 'direct: pod IP',
  ours: 'L4: ClusterIP',
  otherDirect: 'direct, kube-proxy on the node',
  kubeProxy: 'kube-proxy iptables: ClusterIP',
} as const

/** What a Service costs that the kernel forwards, beside the direct way and beside kube-proxy's rules. */
export async function l4(plan: BenchPlan): Promise<void> {
  if (!areThere('l4', ['wrk', 'nginx'])) return
  const held = new ResourceStack()
  try {
    const scenes: [BenchScene, string, string][] = [
      [held.use(await benchSceneOf(ourTarget(), plan)), names.direct, names.ours],
    ]
    if (areThere('l4 of kube-proxy', ['kube-proxy', 'coredns']))
      scenes.push([
        held.use(await benchSceneOf(kubeProxyCoreDns({ mode: 'iptables' }), plan)),
        names.otherDirect,
        names.kubeProxy,
      ])
    for (const [{ cluster }] of scenes) await forgetClosedConnections(cluster, plan)
    const arms = (closing: boolean): readonly Arm[] =>
      scenes.flatMap(([scene, direct, service]) => [
        arm(direct, scene, `${scene.facts.podIp}:${scene.facts.podPort}`, closing, plan),
        arm(service, scene, `${scene.facts.clusterIp}:${scene.facts.l4Port}`, closing, plan),
      ])
    await keptOpen(arms(false), plan)
    await opened(arms(true), plan)
  } finally {
    await held[Symbol.asyncDispose]()
  }
}

const columns = [
  { number: 'rps', title: 'requests/s', digits: 0 },
  { number: 'p50Us', title: 'p50 (us)', digits: 0 },
  { number: 'p99Us', title: 'p99 (us)', digits: 0 },
]

async function keptOpen(arms: readonly Arm[], plan: BenchPlan): Promise<void> {
  const found = await inTurn(arms, plan)
  tell(
    `L4, connections kept: wrk, ${connections}, closed loop, ${plan.rounds} rounds`,
    found,
    columns,
  )
  const own = [names.ours, names.direct] as const
  const others = [names.ours, names.kubeProxy] as const
  tellGoals([
    { what: 'rps / direct', values: ratios(found, 'rps', own), unit: 'x', atLeast: 0.97 },
    { what: 'p50 / direct', values: ratios(found, 'p50Us', own), unit: 'x', atMost: 1.05 },
    { what: 'rps / kube-proxy', values: ratios(found, 'rps', others), unit: 'x', atLeast: 1 },
  ])
}

async function opened(arms: readonly Arm[], plan: BenchPlan): Promise<void> {
  const found = await inTurn(arms, plan)
  tell(`L4, a connection per request: wrk, ${connections}, ${plan.rounds} rounds`, found, columns)
  const own = [names.ours, names.direct] as const
  const others = [names.ours, names.kubeProxy] as const
  tellGoals([
    {
      what: 'new connections / direct',
      values: ratios(found, 'rps', own),
      unit: 'x',
      atLeast: 0.9,
    },
    {
      what: 'new connections / kube-proxy',
      values: ratios(found, 'rps', others),
      unit: 'x',
      atLeast: 1,
    },
  ])
}

function arm(
  name: string,
  { cluster, facts }: BenchScene,
  authority: string,
  closing: boolean,
  { signal }: BenchPlan,
): Arm {
  const url = `http://${authority}${facts.path}`
  return {
    name,
    measure: async () => ({ ...(await wrk(cluster, { url, connections, closing }, { signal })) }),
  }
}
