import type { KubeObject } from '../../model/kubernetes.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { ProcessName } from '../../targets/shared/processes.ts'
import { runShell } from '../../targets/shared/shell.ts'
import { type Arm, type BenchPlan, inTurn, ratios, type Readings, tell, valuesOf } from './arm.ts'
import { cpuOf, ourAgent } from './cpu.ts'
import { tellGoals } from './goal.ts'
import { dnsperf } from './programs.ts'
import { coreDns, dnsmasq, startRivals } from './rivals.ts'
import { areThere, client, clientNode, ourTarget, type Scene, sceneOf } from './scene.ts'
import { median } from '../../measure/quantile.ts'

const ports = { dnsmasq: 18_053, coreDns: 18_054 } as const

const names = { ours: 'ours', dnsmasq: 'dnsmasq', coreDns: 'CoreDNS, kubernetes plugin' } as const

/** Services whose names are asked for in turn. */
const services = 100

/** At the client. */
const questions = '/tmp/meshmark-questions'

/** Our name server beside CoreDNS on the same API and dnsmasq with the same names, on the same node. */
export async function dns(plan: BenchPlan): Promise<void> {
  if (!areThere('dns', ['dnsperf'])) return
  const held = new ResourceStack()
  try {
    const scene = held.use(await sceneOf(ourTarget(), plan))
    const { cluster } = scene
    const addresses = servicesOf(cluster.topology.clusterDomain)
    held.use(await cluster.apply(manifests(), plan))
    const lines = [...addresses.keys()].map((name) => `${name} A`).join('\n')
    await runShell(cluster, client, `cat > ${questions} <<'END'\n${lines}\nEND`, plan)
    const rivals = held.use(
      await startRivals(
        cluster,
        [dnsmasq(cluster, addresses, ports.dnsmasq), await coreDns(cluster, ports.coreDns)],
        plan,
      ),
    )
    const servers: readonly Server[] = [
      { name: names.ours, address: cluster.topology.clusterDns, port: 53, program: ourAgent },
      ...rivals.all,
    ]
    for (const server of servers) await everyNameKnown(scene, server, plan)
    const found = await inTurn(
      servers.map((server) => arm(scene, server, undefined, plan)),
      plan,
    )
    reportCapacity(found, plan)
    const half = (name: string): number => median(valuesOf(found, name, 'qps')) / 2
    const atHalf = await inTurn(
      servers.map((server) => arm(scene, server, half(server.name), plan)),
      plan,
    )
    reportLatency(atHalf, plan)
  } finally {
    await held[Symbol.asyncDispose]()
  }
}

interface Server {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly program: ProcessName
}

function arm(
  { cluster }: Scene,
  { name, address, port, program }: Server,
  rate: number | undefined,
  { signal }: BenchPlan,
): Arm {
  const load = { address, port, questions, ...(rate !== undefined && { rate }) }
  return {
    name,
    measure: async () => {
      const { result, cpuUs } = await cpuOf(
        cluster,
        [{ node: clientNode.node, program }],
        () => dnsperf(cluster, load, { signal }),
        { signal },
      )
      const [serverUs = NaN] = cpuUs
      const tookUs = (result.queries / result.qps) * 1e6
      return {
        ...result,
        serverUs: serverUs / result.queries,
        qpsPerCore: (result.queries / serverUs) * 1e6,
        serverShare: serverUs / tookUs,
        loadShare: result.dnsperfCpuUs / tookUs,
      }
    },
  }
}

function reportCapacity(found: Readings, { rounds }: BenchPlan): void {
  tell(`DNS: dnsperf, 8 sockets, as fast as it can, ${services} names, ${rounds} rounds`, found, [
    { number: 'qps', title: 'queries/s', digits: 0 },
    { number: 'qpsPerCore', title: 'queries/s per core', digits: 0 },
    { number: 'serverUs', title: 'CPU (us/query)', digits: 1 },
    { number: 'serverShare', title: 'server, cores', digits: 2 },
    { number: 'loadShare', title: 'dnsperf, cores', digits: 2 },
    { number: 'lost', title: 'lost', digits: 0 },
  ])
  const against = (number: string, other: string): readonly number[] =>
    ratios(found, number, [names.ours, other])
  tellGoals([
    {
      what: 'queries/s per core / CoreDNS',
      values: against('qpsPerCore', names.coreDns),
      unit: 'x',
      atLeast: 1.5,
    },
    {
      what: 'queries/s per core / dnsmasq',
      values: against('qpsPerCore', names.dnsmasq),
      unit: 'x',
      atLeast: 0.8,
    },
  ])
}

function reportLatency(found: Readings, { rounds }: BenchPlan): void {
  tell(`DNS: dnsperf at half of each server's own capacity, ${rounds} rounds`, found, [
    { number: 'qps', title: 'queries/s', digits: 0 },
    { number: 'p50Us', title: 'p50 (us)', digits: 0 },
    { number: 'p99Us', title: 'p99 (us)', digits: 0 },
    { number: 'serverUs', title: 'CPU (us/query)', digits: 1 },
  ])
  tellGoals([
    {
      what: 'p99 at half load / CoreDNS',
      values: ratios(found, 'p99Us', [names.ours, names.coreDns]),
      unit: 'x',
      atMost: 1,
    },
  ])
}

function servicesOf(clusterDomain: string): ReadonlyMap<string, string> {
  return new Map(
    Array.from({ length: services }, (_, index) => [
      `bench-${index}.default.svc.${clusterDomain}`,
      clusterIpOf(index),
    ]),
  )
}

function clusterIpOf(index: number): string {
  return `10.96.200.${index + 1}`
}

function manifests(): readonly KubeObject[] {
  return Array.from({ length: services }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `bench-${index}`, namespace: 'default' },
    spec: { clusterIP: clusterIpOf(index), ports: [{ name: 'tcp-0', port: 80, protocol: 'TCP' }] },
  }))
}

/** Waits until a server knows the last of the names: a query of a Service that it does not know yet says nothing. */
async function everyNameKnown(
  { cluster }: Scene,
  { name, address, port }: Server,
  options: BenchPlan,
): Promise<void> {
  const ask = `for try in $(seq 100); do
  dnsperf -s ${address} -p ${port} -d ${questions} -n 1 2>/dev/null | grep -q 'NOERROR ${services} (100.00%)' && exit 0
  sleep 0.1
done
echo '${name} does not know every name after 10 s' >&2; exit 1`
  await runShell(cluster, client, ask, options)
}
