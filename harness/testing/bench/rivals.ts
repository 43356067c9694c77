import { readFile } from 'node:fs/promises'
import { parse, stringify } from 'yaml'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import { onPath } from '../../targets/shared/programs.ts'
import { runShell } from '../../targets/shared/shell.ts'
import { clientNode } from './scene.ts'

/** A program in the place of ours: on the client's node, under its own name in the process list. */
export interface Rival {
  readonly name: string
  readonly program: string
  readonly address: string
  readonly port: number
}

/** Where rivals stand: on which CPUs, as far as the machine has several. */
export interface RivalOptions extends AbortOptions {
  readonly cpus?: readonly number[]
}

export interface Rivals extends AsyncDisposable {
  readonly all: readonly Rival[]
}

interface RivalInit {
  readonly name: string
  readonly program: string
  readonly port: number
  /** What it reads: text by path. */
  readonly files: Readonly<Record<string, string>>
  readonly args: string
}

/**
 * Starts these programs and waits until they listen on TCP; those that are not on PATH are left out, which is said.
 * @throws Error with what it said when one does not listen
 */
export async function startRivals(
  cluster: Cluster,
  wanted: readonly RivalInit[],
  { signal, cpus }: RivalOptions,
): Promise<Rivals> {
  const placed = { signal, ...(cpus !== undefined && { cpus }) }
  const held = new ResourceStack()
  const address = clientNodeAddress(cluster)
  const there = wanted.filter(({ program }) => onPath(program) !== undefined)
  for (const { program, name } of wanted)
    if (onPath(program) === undefined) console.log(`\n${name}: left out, no ${program} on PATH`)
  try {
    for (const { files, args: own, port, name, program } of there) {
      const writing = Object.entries(files).map(
        ([path, text]) => `cat > ${path} <<'END'\n${text}\nEND`,
      )
      const script = [...writing, `exec ${onPath(program) ?? program} ${own}`].join('\n')
      const args = ['sh', '-c', script]
      const channel = held.use(await cluster.spawn(clientNode, 'shell', { ...placed, args }))
      await listening(cluster, address, port, { signal }).catch(async (error: unknown) => {
        await channel[Symbol.asyncDispose]()
        const { stderr } = await channel.exited
        throw new Error(`${name} does not serve: ${stderr.trim()}`, { cause: error })
      })
    }
  } catch (error) {
    await held[Symbol.asyncDispose]()
    throw error
  }
  return {
    all: there.map(({ name, program, port }) => ({ name, program, address, port })),
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  }
}

export function clientNodeAddress(cluster: Cluster): string {
  return cluster.nodes.find(({ name }) => name === clientNode.node)?.address ?? ''
}

async function listening(
  cluster: Cluster,
  address: string,
  port: number,
  options: AbortOptions,
): Promise<void> {
  const look = `for try in $(seq 100); do bash -c 'echo > /dev/tcp/${address}/${port}' 2>/dev/null && exit 0; sleep 0.1; done
echo 'nothing listens on ${address}:${port} after 10 s' >&2; exit 1`
  await runShell(cluster, clientNode, look, options)
}

/** A worker, as our proxy has one process; no access log, as ours has none. */
export function nginx(backend: string, port: number): RivalInit {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path /tmp/${name};`)
    .join(' ')
  const text = `user root; daemon off; worker_processes 1; pid /tmp/nginx.pid; error_log stderr;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000; ${temporary}
  upstream pod { server ${backend}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen ${port};
    location / {
      proxy_pass http://pod; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}`
  const path = '/tmp/meshmark-nginx.conf'
  const args = `-c ${path}`
  return { name: 'nginx, 1 worker', program: 'nginx', port, files: { [path]: text }, args }
}

/** One thread. */
export function haproxy(backend: string, port: number): RivalInit {
  const text = `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option forwardfor
frontend in
  bind :${port}
  default_backend pod
backend pod
  http-reuse always
  server nginx ${backend}`
  const path = '/tmp/meshmark-haproxy.cfg'
  const args = `-f ${path} -db`
  return { name: 'haproxy, 1 thread', program: 'haproxy', port, files: { [path]: text }, args }
}

/** With the names as host records: they lie in its cache, its fastest place. */
export function dnsmasq(
  cluster: Cluster,
  names: ReadonlyMap<string, string>,
  port: number,
): RivalInit {
  const text = [
    ...['no-resolv', 'no-hosts', 'no-poll', 'user=root', 'pid-file=', 'cache-size=10000'],
    ...[`port=${port}`, `listen-address=${clientNodeAddress(cluster)}`, 'bind-interfaces'],
    ...[...names].map(([name, address]) => `host-record=${name},${address}`),
  ].join('\n')
  const path = '/tmp/meshmark-dnsmasq.conf'
  const args = `--keep-in-foreground --conf-file=${path}`
  return { name: 'dnsmasq', program: 'dnsmasq', port, files: { [path]: text }, args }
}

/** Its kubernetes plugin on the same API, as kubeadm configures it; it may use every core, as its threads do. */
export async function coreDns(cluster: Cluster, port: number): Promise<RivalInit> {
  const kubeconfig = parse(await readFile(cluster.kubeconfig, 'utf8')) as {
    readonly clusters: readonly { readonly cluster: object }[]
  }
  const clusters = kubeconfig.clusters.map((one) => ({
    ...one,
    cluster: { ...one.cluster, server: cluster.apiServer },
  }))
  const path = '/tmp/meshmark-Corefile'
  const access = '/tmp/meshmark-coredns.kubeconfig'
  const text = `.:${port} {
  bind ${clientNodeAddress(cluster)}
  kubernetes ${cluster.topology.clusterDomain} in-addr.arpa ip6.arpa {
    kubeconfig ${access}
    pods insecure
    ttl 30
  }
  loadbalance
}`
  return {
    name: 'CoreDNS, kubernetes plugin',
    program: 'coredns',
    port,
    files: { [path]: text, [access]: stringify({ ...kubeconfig, clusters }) },
    args: `-conf ${path}`,
  }
}
