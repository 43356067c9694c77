import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { PortEndpoint, ServicePortView, ServiceView, Snapshot } from '../kube/snapshot.ts'
import { createDataPlane } from './data-plane.ts'
import { run } from './netfilter/command.ts'
import { addresses, lab } from './testing/lab.ts'
import { sandboxed } from './testing/sandbox.ts'

const programs = join(import.meta.dirname, 'testing')
const node = process.execPath

type PodName = 'a' | 'b' | 'remote'

const endpoint = (
  name: PodName,
  port: number,
  change: Partial<PortEndpoint> = {},
): PortEndpoint => ({
  address: addresses[name],
  port,
  ready: true,
  serving: true,
  terminating: false,
  nodeName: name === 'remote' ? 'node-2' : 'node-1',
  ...change,
})

const port = (
  name: string,
  number: number,
  target: number,
  names: readonly PodName[],
): ServicePortView => ({
  name,
  protocol: 'TCP',
  port: number,
  endpoints: names.map((pod) => endpoint(pod, target)),
})

const service = (
  name: string,
  ip: string,
  ports: readonly ServicePortView[],
  change: Partial<ServiceView> = {},
): ServiceView => ({
  namespace: 'default',
  name,
  type: 'ClusterIP',
  clusterIps: [ip],
  externalIps: [],
  isHeadless: false,
  publishNotReadyAddresses: false,
  internalTrafficPolicy: 'Cluster',
  externalTrafficPolicy: 'Cluster',
  labels: {},
  annotations: {},
  ports,
  endpoints: [],
  ...change,
})

let version = 0
const snapshot = (...services: readonly ServiceView[]): Snapshot => ({
  version: (version += 1),
  services: new Map(services.map((view) => [`${view.namespace}/${view.name}`, view])),
  namespaces: new Set(['default']),
  node: { name: 'node-1', addresses: [addresses.node], podCidrs: ['10.244.1.0/24'] },
})

if (await sandboxed(t, import.meta.url, ['unshare', 'ip', 'nft', 'curl', 'nginx'])) {
  const net = lab()
  const folder = mkdtempSync(join(tmpdir(), 'meshmark-data-plane-'))
  t.teardown(() => {
    net[Symbol.dispose]()
    rmSync(folder, { recursive: true })
  })
  for (const name of ['a', 'b', 'remote'] as const) {
    await net.start(name, [node, join(programs, 'http-backend.js'), name])
    await net.start(name, [node, join(programs, 'backend.js'), name])
  }
  // the real nginx with its stock page, as the tutorial has it
  writeFileSync(
    join(folder, 'nginx.conf'),
    `user root; daemon off; master_process off; pid ${folder}/pid; error_log stderr;
     events {} http { access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder}; server { listen 80; root /usr/share/nginx/html; } }`,
  )
  net.spawn('a', ['nginx', '-c', join(folder, 'nginx.conf'), '-p', folder])

  const logged: string[] = []
  const make = (): ReturnType<typeof createDataPlane> =>
    createDataPlane({
      dnsAddress: '169.254.96.16',
      dnsPort: 53,
      log: (_level, message) => void logged.push(message),
    })
  let plane = make()

  const curl = async (where: string, url: string, ...options: readonly string[]): Promise<string> =>
    (await net.exec(where, ['curl', '-sS', '-m', '5', ...options, url])).out.trimEnd()
  const backendOf = async (where: string, url: string): Promise<string> =>
    /x-backend: (\S+)/i.exec(await curl(where, url, '-D', '-', '-o', '/dev/null'))?.[1] ?? 'none'
  /** The names of the backends that answered six requests, one connection each. */
  const sixTimes = async (url: string): Promise<ReadonlySet<string>> => {
    const names = new Set<string>()
    for (let i = 0; i < 6; i += 1) names.add(await backendOf('client', url))
    return names
  }
  /** curl's exit code: 7 refused, 28 time-out. */
  const fails = async (where: string, url: string): Promise<number> =>
    (await net.exec(where, ['curl', '-s', '-m', '2', url])).code

  const all: readonly PodName[] = ['a', 'b', 'remote']
  const web = (change: Partial<ServiceView> = {}): ServiceView =>
    service(
      'web',
      '10.96.0.10',
      [port('http-0', 80, 8081, all), port('tcp-0', 81, 8081, all)],
      change,
    )
  const nginx = service('nginx-svc', '10.96.0.20', [port('http-0', 12_345, 80, ['a'])])

  t.test('nginx answers through its Service with the page it gives itself', async (t) => {
    await plane.apply(snapshot(web(), nginx))
    for (let i = 0; i < 100 && (await curl('client', `http://${addresses.a}/`)) === ''; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const page = await curl('client', `http://${addresses.a}/`)
    t.match(page, 'Welcome to nginx!')
    for (const where of ['client', 'node', 'a']) {
      t.equal(await curl(where, 'http://10.96.0.20:12345/'), page, `from ${where}`)
    }
  })

  t.test(
    'an http port is balanced per request by the proxy, a tcp port per connection by the kernel',
    async (t) => {
      const before = await plane.counters()
      const urls = (number: number): string[] =>
        Array.from({ length: 6 }, () => `http://10.96.0.10:${number}/0`)
      const seen = async (number: number): Promise<string[]> => {
        const { out } = await net.exec('client', ['curl', '-s', '-D', '-', ...urls(number)])
        return [...out.matchAll(/x-backend: (\S+)/gi)].map(([, name = '']) => name)
      }
      t.same(
        (await seen(80)).sort(),
        ['a', 'a', 'b', 'b', 'remote', 'remote'],
        'six requests of one connection',
      )
      t.equal(new Set(await seen(81)).size, 1, 'one connection, one backend')
      const after = await plane.counters()
      t.equal(after.l7Requests - before.l7Requests, 6)
      t.equal(after.l4Connections - before.l4Connections, 1)
      t.same((await plane.statistics()).map(({ label, path }) => `${label} ${path}`).sort(), [
        'default/nginx-svc:http-0 l7',
        'default/web:http-0 l7',
        'default/web:tcp-0 l4',
      ])
    },
  )

  t.test('a backend behind the proxy is told the address of the client', async (t) => {
    const head = await curl('client', 'http://10.96.0.10/0', '-D', '-', '-o', '/dev/null')
    t.match(head, `x-forwarded-for-seen: ${addresses.client}`)
    t.match(
      await curl('client', 'http://10.96.0.10:81/0', '-D', '-', '-o', '/dev/null'),
      `x-peer: ${addresses.client}`,
    )
  })

  t.test('4 MiB pass unchanged each way on both paths', async (t) => {
    const file = join(folder, 'body')
    await run('sh', ['-c', `head -c 4194304 /dev/urandom > ${file}`])
    const [digest = ''] = (await run('sha256sum', [file])).stdout.split(' ')
    for (const number of [80, 81]) {
      t.equal(
        await curl('client', `http://10.96.0.10:${number}/`, '-T', file),
        digest,
        `up, port ${number}`,
      )
      const down = join(folder, 'down')
      await curl('client', `http://10.96.0.10:${number}/4194304`, '-o', down)
      const direct = join(folder, 'direct')
      await curl('client', `http://${addresses.a}:8081/4194304`, '-o', direct)
      t.equal((await run('cmp', [down, direct])).code, 0, `down, port ${number}`)
    }
  })

  t.test('WebSockets pass: text, 1 MiB binary, ping, close code', async (t) => {
    const { out } = await net.exec('client', [
      node,
      join(programs, 'ws-client.js'),
      'ws://10.96.0.10/',
    ])
    t.same(out.trim().split('\n'), ['text hello', 'binary equal', 'pong', 'close 4001 as you wish'])
  })

  t.test('an http port without endpoints answers 503, a tcp port refuses', async (t) => {
    const none: readonly PodName[] = []
    await plane.apply(
      snapshot(
        service('web', '10.96.0.10', [
          port('http-0', 80, 8081, none),
          port('tcp-0', 81, 8081, none),
        ]),
        nginx,
      ),
    )
    t.match(
      await curl('client', 'http://10.96.0.10/'),
      '503 Service Unavailable: no ready endpoint for default/web:http-0',
    )
    t.equal(await fails('client', 'http://10.96.0.10:81/'), 7, 'curl: connection refused')
    t.equal(await fails('node', 'http://10.96.0.10:81/'), 7)
  })

  t.test('endpoints follow readiness; terminating ones serve only as the last', async (t) => {
    const states = (...endpoints: readonly PortEndpoint[]): Snapshot =>
      snapshot(
        service('web', '10.96.0.10', [
          { name: 'http-0', protocol: 'TCP', port: 80, endpoints },
          { name: 'tcp-0', protocol: 'TCP', port: 81, endpoints },
        ]),
      )
    const gone = { ready: false, serving: true, terminating: true }
    const expect = async (wanted: string): Promise<void> => {
      for (const number of [80, 81]) {
        for (let i = 0; i < 3; i += 1)
          t.equal(await backendOf('client', `http://10.96.0.10:${number}/0`), wanted)
      }
    }
    await plane.apply(states(endpoint('a', 8081, gone), endpoint('b', 8081)))
    await expect('b')
    await plane.apply(
      states(endpoint('a', 8081, gone), endpoint('b', 8081, { ready: false, serving: false })),
    )
    await expect('a')
    await plane.apply(states(endpoint('a', 8081, { ready: false, serving: false })))
    t.equal(await fails('client', 'http://10.96.0.10:81/'), 7)
  })

  t.test('internal traffic policy Local keeps to this node, on both paths', async (t) => {
    await plane.apply(snapshot(web({ internalTrafficPolicy: 'Local' })))
    for (const number of [80, 81]) {
      const seen = await sixTimes(`http://10.96.0.10:${number}/0`)
      t.same(seen, new Set(['a', 'b']))
    }
  })

  t.test('ClientIP affinity holds on the http port too', async (t) => {
    await plane.apply(snapshot(web({ affinitySeconds: 600 })))
    for (const number of [80, 81]) {
      const seen = await sixTimes(`http://10.96.0.10:${number}/0`)
      t.equal(seen.size, 1)
    }
  })

  t.test('a Service that another proxy claims is left alone', async (t) => {
    await plane.apply(
      snapshot(web({ labels: { 'service.kubernetes.io/service-proxy-name': 'other' } })),
    )
    t.not(await backendOf('client', 'http://10.96.0.10:81/0'), 'a')
    await plane.apply(snapshot(web()))
    t.not(await backendOf('client', 'http://10.96.0.10:81/0'), 'none')
  })

  t.test(
    'NodePorts serve HTTP to the LAN; nothing else of the proxy is reachable from there',
    async (t) => {
      const ports = [{ ...port('http-0', 80, 8081, ['a']), nodePort: 30_080 }]
      await plane.apply(snapshot(service('web', '10.96.0.10', ports)))
      t.equal(await backendOf('lan', `http://${addresses.node}:30080/0`), 'a')
      t.equal(await backendOf('node', `http://${addresses.node}:30080/0`), 'a')
      const rules = (await run('nft', ['list', 'table', 'ip', 'meshmark'])).stdout
      const [, address = '', number = ''] = /dnat to (169\.254\.\d+\.\d+):(\d+)/.exec(rules) ?? []
      t.equal(
        await fails('lan', `http://${addresses.node}:${number}/`),
        7,
        'the port is closed on the node address',
      )
      t.equal(await fails('client', `http://${addresses.node}:${number}/`), 7)
      await run('ip', ['-n', 'lan', 'route', 'add', '169.254.64.0/19', 'via', addresses.node])
      t.equal(await fails('lan', `http://${address}:${number}/`), 28, 'curl: time-out')
      t.equal(await fails('lan', 'http://10.96.0.10/'), 28)
    },
  )

  t.test('a NodePort that a program holds is reported, and the rest works', async (t) => {
    const holder = await net.start('node', [
      node,
      '-e',
      "require('net').createServer(s=>s.end('mine\\n')).listen(30091,'0.0.0.0',()=>console.log('ready'))",
    ])
    const ports = [
      { ...port('http-0', 80, 8081, ['a']), nodePort: 30_091 },
      { ...port('tcp-0', 81, 8081, ['a']), nodePort: 30_092 },
    ]
    await plane.apply(snapshot(service('web', '10.96.0.10', ports)))
    t.ok(
      logged.some((line) => line.includes('nodePort 30091/tcp is not served')),
      logged.join('\n'),
    )
    t.equal(await backendOf('lan', `http://${addresses.node}:30092/0`), 'a')
    t.equal(await backendOf('client', 'http://10.96.0.10/0'), 'a')
    holder.kill('SIGKILL')
  })

  t.test('an external address cannot take over the node, DNS or another Service', async (t) => {
    const greedy = web({
      name: 'greedy',
      clusterIps: ['10.96.0.11'],
      externalIps: [addresses.node, '169.254.96.16', '10.96.0.20', '10.99.0.1'],
    })
    await plane.apply(snapshot(greedy, nginx))
    t.match(await curl('client', 'http://10.96.0.20:12345/'), 'Welcome to nginx!')
    t.equal(await fails('client', `http://${addresses.node}:81/`), 7)
    t.not(await backendOf('client', 'http://10.99.0.1:81/0'), 'none')
    t.equal(logged.filter((line) => line.includes('external address')).length, 3)
  })

  t.test('while Services come and go, requests to others never fail', async (t) => {
    await plane.apply(snapshot(web(), nginx))
    const load = net.spawn('client', [
      'sh',
      '-c',
      'for i in $(seq 400); do curl -s -m 10 -o /dev/null -w "%{http_code} %{url_effective} after %{time_total} s (exit %{exitcode})\\n" http://10.96.0.10/0 http://10.96.0.10:81/0; done',
    ])
    let answers = ''
    load.stdout?.setEncoding('utf8').on('data', (text: string) => (answers += text))
    const ended = new Promise((resolve) => load.once('exit', resolve))
    for (let i = 0; i < 60; i += 1) {
      const extra = service(`x${i}`, `10.96.1.${i + 1}`, [
        port('http-0', 80, 8081, ['b']),
        port('tcp-0', 81, 8081, ['b']),
      ])
      await plane.apply(i % 2 === 0 ? snapshot(web(), nginx, extra) : snapshot(nginx, web()))
    }
    await ended
    const lines = answers.trim().split('\n')
    t.equal(lines.length, 800)
    t.same(
      lines.filter((line) => !line.startsWith('200 ')),
      [],
    )
  })

  t.test(
    'draining hands http ports to the kernel; a successor takes over without a failure',
    async (t) => {
      await plane.apply(snapshot(web(), nginx))
      const talk = net.spawn('client', [
        node,
        '-e',
        `
      const http = require('http'); const agent = new http.Agent({ keepAlive: true });
      let bad = 0, n = 0;
      const next = () => http.get({ host: '10.96.0.10', path: '/0', agent }, (r) => { if (r.statusCode !== 200) bad += 1; r.resume(); r.on('end', () => { n += 1; n < 3000 ? setImmediate(next) : (console.log('done ' + bad), process.exit()) }) }).on('error', (e) => { bad += 1; console.log(e.code); n += 1; setImmediate(next) });
      next()`,
      ])
      let said = ''
      talk.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text))
      const ended = new Promise((resolve) => talk.once('exit', resolve))
      await plane.drain(AbortSignal.timeout(3_000))
      await plane.close({ cleanUp: false })
      t.not(
        await backendOf('client', 'http://10.96.0.10/0'),
        'none',
        'served by the kernel meanwhile',
      )
      t.match(await curl('client', 'http://10.96.0.20:12345/'), 'Welcome to nginx!')
      plane = make()
      await plane.apply(snapshot(web(), nginx))
      await ended
      t.equal(said.trim(), 'done 0')
      t.equal(
        (await plane.statistics()).find(({ label }) => label === 'default/web:http-0')?.path,
        'l7',
      )
    },
  )

  t.test('no packet for a ClusterIP leaves the node, whatever the agent does', async (t) => {
    const watch =
      'table ip watch {\n chain c {\n type filter hook prerouting priority raw;\n ip daddr 10.96.0.0/16 counter\n }\n}\n'
    await run('ip', ['netns', 'exec', 'lan', 'nft', '-f', '-'], watch)
    const load = net.spawn('client', [
      'sh',
      '-c',
      'for i in $(seq 150); do curl -s -m 1 -o /dev/null http://10.96.0.10/0 http://10.96.0.10:81/0 http://10.96.0.10:99/; done',
    ])
    const ended = new Promise((resolve) => load.once('exit', resolve))
    for (let i = 0; i < 5; i += 1) {
      await plane.drain(AbortSignal.abort())
      await plane.close({ cleanUp: false })
      plane = make()
      await plane.apply(snapshot(web(), nginx))
    }
    await ended
    const { stdout } = await run('ip', [
      'netns',
      'exec',
      'lan',
      'nft',
      'list',
      'table',
      'ip',
      'watch',
    ])
    t.match(stdout, 'counter packets 0 ')
  })

  t.test('uninstalling takes table, route and listener away', async (t) => {
    // by a process that never served, as after a crash
    await plane.drain(AbortSignal.abort())
    await plane.close({ cleanUp: false })
    plane = make()
    const before = (await run('ip', ['route', 'show', 'table', 'local'])).stdout
    t.match(before, '169.254.64.0/19')
    await plane.close({ cleanUp: true })
    t.equal((await run('nft', ['list', 'ruleset'])).stdout, '')
    t.notMatch((await run('ip', ['route', 'show', 'table', 'local'])).stdout, '169.254.64.0')
    t.equal((await run('ss', ['-Hltn'])).stdout.trim(), '')
  })
}
