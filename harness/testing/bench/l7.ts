import { availableParallelism } from 'node:os'
import type { Cluster } from '../../model/cluster.ts'
import type { KubeObject } from '../../model/kubernetes.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { ProcessName } from '../../targets/shared/processes.ts'
import { runShell } from '../../targets/shared/shell.ts'
import { type Arm, type BenchPlan, inTurn, ratios, type Readings, spread, tell } from './arm.ts'
import { cpuOf, ourAgent } from './cpu.ts'
import { tellGoals } from './goal.ts'
import { watchCpu } from './machine.ts'
import { type HttpLoad, wrk } from './programs.ts'
import { haproxy, nginx, startRivals } from './rivals.ts'
import { areThere, backendNode, client, clientNode, ourTarget, sceneOf } from './scene.ts'

const ports = { nginx: 18_080, haproxy: 18_081, backend: 18_090 } as const

const names = {
  direct: 'direct: backend',
  ours: 'L7: ClusterIP',
  nginx: 'nginx, 1 worker',
  haproxy: 'haproxy, 1 thread',
} as const

/** Connections of the load: few, as from one page, and many, so that a proxy that can batch does. */
const loads = [16, 64]

/** Bytes of the page, those of nginx's own. */
const pageBytes = 615

const service = { name: 'bench-light', clusterIp: '10.96.201.1', port: 12_345 } as const

/**
 * The proxy has a CPU of its own, client and backend share the other one. Anywhere else, on two CPUs, the backend is
 * what limits every arm: nginx that reads a file costs 31 us per request, the proxies 25.
 */
const [proxyCpus, otherCpus] = availableParallelism() > 1 ? [[0], [1]] : [undefined, undefined]

/** Our HTTP proxy beside nginx and haproxy in its place: the same node, the same backend behind it. */
export async function l7(plan: BenchPlan): Promise<void> {
  if (!areThere('l7', ['wrk', 'nginx'])) return
  const held = new ResourceStack()
  try {
    const { cluster, deployed } = held.use(await sceneOf(ourTarget(), plan))
    const backend = await lightBackend(cluster, held, plan)
    const wanted = [nginx(backend, ports.nginx), haproxy(backend, ports.haproxy)]
    const placed = proxyCpus === undefined ? plan : { ...plan, cpus: proxyCpus }
    const rivals = held.use(await startRivals(cluster, wanted, placed))
    for (const pid of (await deployed.pids?.(clientNode.node, plan)) ?? [])
      if (proxyCpus !== undefined)
        await runShell(cluster, clientNode, `taskset -acp ${proxyCpus.join()} ${pid}`, plan)
    for (const connections of loads) {
      const load = { connections, ...(otherCpus !== undefined && { cpus: otherCpus }) }
      const arms = [
        arm(names.direct, cluster, backend, undefined, load, plan),
        arm(names.ours, cluster, `${service.clusterIp}:${service.port}`, ourAgent, load, plan),
        ...rivals.all.map(({ name, address, port, program }) =>
          arm(name, cluster, `${address}:${port}`, program, load, plan),
        ),
      ]
      report(await inTurn(arms, plan), connections, plan)
    }
  } finally {
    await held[Symbol.asyncDispose]()
  }
}

/** nginx that answers out of its memory, behind a Service whose port is an HTTP one; gives its `address:port`. */
async function lightBackend(
  cluster: Cluster,
  held: ResourceStack,
  { signal }: BenchPlan,
): Promise<string> {
  const address = cluster.nodes.find(({ name }) => name === backendNode.node)?.address ?? ''
  const path = '/tmp/meshmark-backend.conf'
  const text = `user root; daemon off; worker_processes 1; pid /tmp/meshmark-backend.pid; error_log stderr;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000;
  server { listen ${ports.backend}; location / { return 200 '${'.'.repeat(pageBytes)}'; } }
}`
  const script = `cat > ${path} <<'END'\n${text}\nEND\nexec nginx -c ${path}`
  const placed = otherCpus === undefined ? { signal } : { signal, cpus: otherCpus }
  held.use(await cluster.spawn(backendNode, 'shell', { ...placed, args: ['sh', '-c', script] }))
  held.use(await cluster.apply(manifests(address), { signal }))
  const wait = `for try in $(seq 100); do curl -sf -m 1 -o /dev/null http://${service.clusterIp}:${service.port}/ && exit 0; sleep 0.1; done
echo 'the Service does not answer after 10 s' >&2; exit 1`
  await runShell(cluster, client, wait, { signal })
  return `${address}:${ports.backend}`
}

function manifests(address: string): readonly KubeObject[] {
  const { name, clusterIp: clusterIP, port } = service
  const namespace = 'default'
  const named = { name: 'http-0', protocol: 'TCP' }
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: { clusterIP, ports: [{ ...named, port, targetPort: ports.backend }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-1`, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ ...named, port: ports.backend }],
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    },
  ]
}

function report(found: Readings, connections: number, { rounds }: BenchPlan): void {
  tell(`L7: wrk, ${connections} connections kept, closed loop, ${rounds} rounds`, found, [
    { number: 'rps', title: 'requests/s', digits: 0 },
    { number: 'p50Us', title: 'p50 (us)', digits: 0 },
    { number: 'proxyUs', title: 'CPU of the proxy (us/request)', digits: 1 },
    { number: 'proxyShare', title: 'proxy, of a core', digits: 2 },
    { number: 'proxyCpuIdle', title: "proxy's CPU idle", digits: 2 },
    { number: 'steal', title: 'and stolen', digits: 2 },
    { number: 'backendShare', title: 'backend, of a core', digits: 2 },
    { number: 'wrkShare', title: 'wrk, of a core', digits: 2 },
  ])
  const against = (number: string, other: string): readonly number[] =>
    ratios(found, number, [names.ours, other])
  tellGoals([
    { what: 'rps / nginx', values: against('rps', names.nginx), unit: 'x', atLeast: 1 },
    { what: 'rps / haproxy', values: against('rps', names.haproxy), unit: 'x', atLeast: 1 },
    {
      what: 'CPU per request / nginx',
      values: against('proxyUs', names.nginx),
      unit: 'x',
      atMost: 1.3,
    },
  ])
  console.log(`  beside: rps / direct: ${spread(against('rps', names.direct), 3)}x`)
}

function arm(
  name: string,
  cluster: Cluster,
  authority: string,
  proxy: ProcessName | undefined,
  load: Omit<HttpLoad, 'url'>,
  { signal }: BenchPlan,
): Arm {
  const url = `http://${authority}/`
  const watched = [
    { node: backendNode.node, program: 'nginx' },
    ...(proxy === undefined ? [] : [{ node: clientNode.node, program: proxy }]),
  ]
  return {
    name,
    measure: async () => {
      const { result, cpuUs } = await cpuOf(
        cluster,
        watched,
        async () => {
          const cpu = watchCpu(proxyCpus?.[0] ?? 0)
          const seen = await wrk(cluster, { ...load, url }, { signal })
          return { ...seen, proxyCpuIdle: cpu().idle, steal: cpu().steal }
        },
        { signal },
      )
      const [backendUs = NaN, proxyUs] = cpuUs
      const tookUs = (result.requests / result.rps) * 1e6
      return {
        ...result,
        backendShare: backendUs / tookUs,
        wrkShare: result.wrkCpuUs / tookUs,
        ...(proxyUs !== undefined && {
          proxyUs: proxyUs / result.requests,
          proxyShare: proxyUs / tookUs,
        }),
      }
    },
  }
}
