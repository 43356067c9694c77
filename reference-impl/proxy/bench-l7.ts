/**
 * What the way through a Service costs: client namespace, node, backend namespace with nginx's stock page.
 * Arms: `direct` to the pod; `l4` through a ClusterIP in the kernel; `l7` through a ClusterIP and our HTTP proxy;
 * Debian's `nginx` and `haproxy`, one worker each, as proxies on the same node.
 *
 * `node dist/reference-impl/proxy/bench-l7.js [rounds] [seconds] [connections] [keep-alive|close]`
 *
 * Arms alternate in random order; each figure is the median over rounds with its spread; ratios are taken within a
 * round, so that a slow moment of the machine hits both sides.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addLocalRange, defaultProxyRange } from './netfilter/local-addresses.ts'
import { Netfilter } from './netfilter/netfilter.ts'
import type { PortPlan } from './plan.ts'
import { addresses, lab } from './testing/lab.ts'

interface Sample {
  readonly rps: number
  readonly p50Us: number
  readonly p99Us: number
  /** CPU of the proxy per request; 0 for the direct arm. */
  readonly cpuUs: number
}

const mark = 'MESHMARK_BENCH_SANDBOX'
const clockTicksPerSecond = 100

if (process.env[mark] === undefined) {
  const flags = [
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--mount-proc',
    '--propagation',
    'private',
    '--kill-child',
  ]
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  const child = spawn(
    'unshare',
    [...user, ...flags, process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    {
      stdio: 'inherit',
      env: { ...process.env, [mark]: '1' },
    },
  )
  child.once('close', (code) => process.exit(code ?? 1))
} else {
  const [, , rounds = '7', seconds = '2', connections = '32', mode = 'keep-alive'] = process.argv
  await bench(Number(rounds), Number(seconds), Number(connections), mode === 'close')
  process.exit(0)
}

async function bench(
  rounds: number,
  seconds: number,
  connections: number,
  close: boolean,
): Promise<void> {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run'])
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  const folder = mkdtempSync(join(tmpdir(), 'meshmark-bench-'))
  using net = lab()
  // why: without this the client runs out of ports after 14 000 connections, and everything measures that
  for (const where of ['client', 'node', 'a']) {
    await net.exec(where, ['sysctl', '-qw', 'net.ipv4.tcp_max_tw_buckets=64'])
  }
  const backend = `${addresses.a}:8080`
  const gateway = '169.254.1.1'

  const nginx = (name: string, http: string): string => {
    const file = join(folder, `${name}.conf`)
    writeFileSync(
      file,
      `user root; worker_processes 1; daemon off; master_process off; pid ${folder}/${name}.pid; error_log ${folder}/${name}.log;
       events { worker_connections 8192; } http { access_log off; keepalive_requests 100000000; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder}; ${http} }`,
    )
    return file
  }
  net.spawn('a', [
    'nginx',
    '-p',
    folder,
    '-c',
    nginx('backend', 'server { listen 8080 backlog=4096; root /usr/share/nginx/html; }'),
  ])
  const proxies: Record<string, { readonly port: number; readonly pid: number }> = {}
  const add = (name: string, port: number, command: readonly string[]): void => {
    proxies[name] = { port, pid: net.spawn('node', command).pid ?? 0 }
  }
  const proxied = `upstream b { server ${backend}; keepalive 256; } server { listen 9001 backlog=4096; location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } }`
  add('nginx', 9001, ['nginx', '-p', folder, '-c', nginx('proxy', proxied)])
  const haproxy = join(folder, 'haproxy.cfg')
  writeFileSync(
    haproxy,
    `global\n nbthread 1\n maxconn 8192\ndefaults\n mode http\n timeout connect 2s\n timeout client 60s\n timeout server 60s\n option forwardfor\n http-reuse always\nfrontend f\n bind :9002\n default_backend b\nbackend b\n server s ${backend}\n`,
  )
  add('haproxy', 9002, ['haproxy', '-db', '-f', haproxy])
  const serve = join(import.meta.dirname, 'testing', 'serve-http.js')
  const proxyAddress = '169.254.64.1'
  await addLocalRange(defaultProxyRange)
  add('l7', 9003, [process.execPath, serve, '9003', proxyAddress, backend])
  await services(proxyAddress)

  const urls: Record<string, string> = {
    direct: `http://${backend}/`,
    l4: 'http://10.96.0.10/',
    l7: 'http://10.96.0.11/',
    nginx: `http://${gateway}:9001/`,
    haproxy: `http://${gateway}:9002/`,
  }
  for (const url of Object.values(urls)) await untilServed(net, url)

  const wrk = [
    ...['wrk', '--latency', '-t1', `-c${connections}`, `-d${seconds}s`],
    ...(close ? ['-H', 'Connection: close'] : []),
  ]
  const samples: Record<string, Sample[]> = {}
  for (let round = -1; round < rounds; round += 1) {
    for (const name of shuffled(Object.keys(urls))) {
      const pid = proxies[name]?.pid
      const before = cpuTicks(pid)
      const { out } = await net.exec('client', [...wrk, urls[name] ?? ''], { timeoutMs: 60_000 })
      const ticks = cpuTicks(pid) - before
      if (round >= 0) (samples[name] ??= []).push(parse(out, ticks))
    }
    process.stderr.write(round < 0 ? 'warm-up done\n' : `round ${round + 1}/${rounds}\n`)
  }
  print(samples, connections)
  rmSync(folder, { recursive: true })
}

/** The rules as the agent writes them: one port for the kernel, one for the proxy. */
async function services(proxyAddress: string): Promise<void> {
  const site = {
    proxyPort: 9003,
    proxyRange: defaultProxyRange,
    protectedAddresses: [],
    outsideInterfaces: ['eth0'],
  }
  const silent = { info: () => undefined, warn: () => undefined }
  const port = (name: string, address: string): PortPlan => ({
    id: `default/${name}/tcp/80`,
    label: `default/${name}:80`,
    protocol: 'tcp',
    port: 80,
    clusterIps: [address],
    externalIps: [],
    policy: 'round-robin',
    destinations: [{ address: addresses.a, port: 8080 }],
  })
  await new Netfilter(site, silent).apply({
    services: [
      {
        ports: [port('l4', '10.96.0.10'), { ...port('l7', '10.96.0.11'), proxyAddress }],
        clusterIps: ['10.96.0.10', '10.96.0.11'],
        localPods: [addresses.a],
        hairpins: [addresses.a],
      },
    ],
  })
}

async function untilServed(net: ReturnType<typeof lab>, url: string): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    const { code } = await net.exec('client', ['curl', '-sf', '-m', '2', '-o', '/dev/null', url])
    if (code === 0) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${url} does not answer`)
}

function parse(out: string, ticks: number): Sample {
  const number = (pattern: RegExp): number => Number(pattern.exec(out)?.[1] ?? NaN)
  if (/Non-2xx|Socket errors/.test(out)) throw new Error(`failed requests:\n${out}`)
  const total = number(/(\d+) requests in/)
  return {
    rps: number(/Requests\/sec:\s+([\d.]+)/),
    p50Us: microseconds(/50%\s+([\d.]+\S+)/.exec(out)?.[1]),
    p99Us: microseconds(/99%\s+([\d.]+\S+)/.exec(out)?.[1]),
    cpuUs: (ticks / clockTicksPerSecond / total) * 1e6,
  }
}

function microseconds(text = 'NaN'): number {
  const value = Number.parseFloat(text)
  if (text.endsWith('us')) return value
  return text.endsWith('ms') ? value * 1e3 : value * 1e6
}

/** User and system time of a process, in clock ticks. */
function cpuTicks(pid: number | undefined): number {
  if (pid === undefined) return 0
  const [, , , , , , , , , , , user = '0', system = '0'] = (
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? ''
  ).split(' ')
  return Number(user) + Number(system)
}

function print(samples: Readonly<Record<string, readonly Sample[]>>, connections: number): void {
  const lines = [
    `${connections} connections; median (min-max) over rounds`,
    'arm      req/s                   vs direct           vs nginx            p50 us  p99 us  CPU us/req',
  ]
  for (const name of ['direct', 'l4', 'nginx', 'haproxy', 'l7']) {
    const own = samples[name] ?? []
    const against = (other: string): string =>
      spread(
        own.map((sample, i) => sample.rps / (samples[other]?.[i]?.rps ?? NaN)),
        2,
      )
    lines.push(
      [
        name.padEnd(8),
        spread(
          own.map(({ rps }) => rps),
          0,
        ).padEnd(23),
        against('direct').padEnd(19),
        against('nginx').padEnd(19),
        median(own.map(({ p50Us }) => p50Us))
          .toFixed(0)
          .padEnd(7),
        median(own.map(({ p99Us }) => p99Us))
          .toFixed(0)
          .padEnd(7),
        median(own.map(({ cpuUs }) => cpuUs)).toFixed(1),
      ].join(' '),
    )
  }
  process.stdout.write(`${lines.join('\n')}\n`)
}

function spread(values: readonly number[], digits: number): string {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return `${median(values).toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
}
