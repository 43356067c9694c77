import type { AbortOptions } from '../model/abort.ts'
import type { Cluster, Position, ProgramChannel } from '../model/cluster.ts'
import type { BenchFacts } from '../model/question.ts'
import { ResourceStack } from '../model/resource-stack.ts'
import type { Arm } from './bench-self.ts'
import { outputOf } from './cluster-contract.ts'

/** Other programs in the place of ours: on the client's node, before the same pod. */
export interface Rivals extends AsyncDisposable {
  readonly address: string
  readonly nginxPort: number
  readonly haproxyPort: number
  readonly dnsmasqPort: number
}

const ports = { nginxPort: 18_080, haproxyPort: 18_081, dnsmasqPort: 18_053 } as const

/** Seconds of one measurement. */
const windowSeconds = 2

const client: Position = { node: 'edge-node-a', network: 'container' }
const host: Position = { node: 'edge-node-a', network: 'host' }

/** Starts nginx and haproxy as reverse proxies, and dnsmasq with the same name, on the client's node. */
export async function startRivals(
  cluster: Cluster,
  facts: BenchFacts,
  { signal }: AbortOptions,
): Promise<Rivals> {
  const held = new ResourceStack()
  const address = cluster.nodes.find(({ name }) => name === host.node)?.address ?? ''
  const configs = { nginx: nginxConfig(facts.podIp), haproxy: haproxyConfig(facts.podIp) }
  const scripts: readonly string[] = [
    `cat > /tmp/nginx.conf <<'END'\n${configs.nginx}END\nexec nginx -c /tmp/nginx.conf`,
    `cat > /tmp/haproxy.cfg <<'END'\n${configs.haproxy}END\nexec haproxy -f /tmp/haproxy.cfg -db`,
    `exec dnsmasq -k -C /dev/null -R -h --no-poll -u root -p ${ports.dnsmasqPort} --listen-address=${address} --bind-interfaces --address=/${facts.serviceName}.default.svc.${facts.clusterDomain}/${facts.clusterIp}`,
  ]
  for (const script of scripts)
    held.use(await cluster.spawn(host, 'shell', { args: ['sh', '-c', script], signal }))
  await listening(cluster, address, { signal })
  return { address, ...ports, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() }
}

/** A worker each, as our proxy has one process; access logs off everywhere. */
function nginxConfig(podIp: string): string {
  return `user root; daemon off; worker_processes 1; pid /tmp/nginx.pid; error_log stderr;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path /tmp/${name};`).join(' ')}
  upstream pod { server ${podIp}:80; keepalive 64; }
  server {
    listen ${ports.nginxPort};
    location / { proxy_pass http://pod; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; }
  }
}
`
}

function haproxyConfig(podIp: string): string {
  return `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend in
  bind :${ports.haproxyPort}
  default_backend pod
backend pod
  http-reuse always
  server nginx ${podIp}:80
`
}

async function listening(
  cluster: Cluster,
  address: string,
  { signal }: AbortOptions,
): Promise<void> {
  const wait = `for port in ${ports.nginxPort} ${ports.haproxyPort} ${ports.dnsmasqPort}; do
  for try in $(seq 100); do bash -c "echo > /dev/tcp/${address}/$port" 2>/dev/null && break; sleep 0.1; done
done; echo ok`
  await using channel = await cluster.spawn(host, 'shell', { args: ['sh', '-c', wait], signal })
  await outputOf(channel)
}

export function httpArms(
  cluster: Cluster,
  facts: BenchFacts,
  rivals: Rivals,
  options: AbortOptions,
): readonly Arm[] {
  const arm = (name: string, address: string, port: number): Arm => ({
    name,
    measure: async () =>
      number(
        await run(
          cluster,
          ['wrk', '-t1', '-c16', `-d${windowSeconds}s`, `http://${address}:${port}${facts.path}`],
          options,
        ),
        /Requests\/sec:\s+([\d.]+)/,
      ),
  })
  return [
    arm('L4: ClusterIP, tcp-0', facts.clusterIp, facts.l4Port),
    arm('L7: ClusterIP, http-0', facts.clusterIp, facts.l7Port),
    arm('nginx 1 worker as proxy', rivals.address, rivals.nginxPort),
    arm('haproxy 1 thread as proxy', rivals.address, rivals.haproxyPort),
    arm('direct: pod IP', facts.podIp, 80),
  ]
}

export function dnsArms(
  cluster: Cluster,
  facts: BenchFacts,
  rivals: Rivals,
  options: AbortOptions,
): readonly Arm[] {
  const query = `${facts.serviceName}.default.svc.${facts.clusterDomain} A`
  const arm = (name: string, address: string, port: number): Arm => ({
    name,
    measure: async () => {
      const script = `echo '${query}' > /tmp/query; exec dnsperf -s ${address} -p ${port} -d /tmp/query -l ${windowSeconds} -c 8 -q 200`
      return number(
        await run(cluster, ['sh', '-c', script], options),
        /Queries per second:\s+([\d.]+)/,
      )
    },
  })
  return [arm('ours', facts.dnsServer, 53), arm('dnsmasq', rivals.address, rivals.dnsmasqPort)]
}

async function run(
  cluster: Cluster,
  args: readonly string[],
  options: AbortOptions,
): Promise<string> {
  await using channel: ProgramChannel = await cluster.spawn(client, 'shell', { args, ...options })
  channel.end()
  return await outputOf(channel)
}

function number(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`no ${String(pattern)} in:\n${text}`)
  return Number(found)
}
