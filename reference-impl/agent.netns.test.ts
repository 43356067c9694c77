import { strict as assert } from 'node:assert'
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, writeFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { addresses, lab } from './proxy/testing/lab.ts'
import { sandboxed } from './proxy/testing/sandbox.ts'
import { startAgent, type AgentProcess } from './testing/agent-process.ts'
import { ApiDouble, paths, serviceObject, smallCluster } from './testing/api-double.ts'
import { eventually } from './testing/eventually.ts'

const dns = '169.254.96.16'
const web = 'web.default.svc.cluster.local'
const answered = ['NOERROR', `${web} A 10.96.0.10`]
const askProgram = join(import.meta.dirname, 'testing', 'ask.js')
const originalResolvConf = `nameserver ${addresses.outsider}\noptions timeout:1 attempts:1\n`

/** For `eventually`, which tries again what throws. */
function same(actual: unknown, expected: unknown): void {
  assert.deepEqual(actual, expected)
}

if (await sandboxed(t, import.meta.url, ['unshare', 'ip', 'nft', 'getent'])) {
  const net = lab()
  t.teardown(() => net[Symbol.dispose]())
  const folder = mkdtempSync(join(tmpdir(), 'meshmark-agent-'))
  const resolvConf = join(folder, 'resolv.conf')
  writeFileSync(resolvConf, originalResolvConf)
  execFileSync('mount', ['--bind', resolvConf, '/etc/resolv.conf'])
  // why: a host file that knows other names must not answer for us
  const hosts = join(folder, 'hosts')
  writeFileSync(hosts, '127.0.0.1 localhost\n')
  execFileSync('mount', ['--bind', hosts, '/etc/hosts'])
  execFileSync('ip', ['-n', 'lan', 'route', 'add', dns, 'via', addresses.node])

  const api = new ApiDouble()
  smallCluster(api, 'edge-node-a', addresses.node)
  const server = await api.listen()
  const apiPort = Number(new URL(server).port)
  const agents: AgentProcess[] = []
  t.teardown(async () => {
    for (const agent of agents) agent.process.kill('SIGKILL')
    await api.close()
    // why the retries: an agent that is just killed may still write its last snapshot
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  const start = (...args: readonly string[]): AgentProcess => {
    const agent = startAgent(
      [
        `--server=${server}`,
        `--node-resolv-conf=${resolvConf}`,
        `--state-dir=${folder}/state`,
        ...args,
      ],
      { NODE_NAME: 'edge-node-a' },
    )
    agents.push(agent)
    return agent
  }
  const ask = async (
    where: string,
    name: string,
    ...more: readonly string[]
  ): Promise<readonly string[]> => {
    const [protocol = 'udp', type = 'A', timeout = '2000'] = more
    const argv = [process.execPath, askProgram, dns, '53', protocol, name, type, timeout]
    return JSON.parse((await net.exec(where, argv)).out) as readonly string[]
  }
  const leftovers = (): string => {
    const rules = execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' })
    const device = execFileSync('ip', ['-o', 'addr', 'show', 'dev', 'lo'], { encoding: 'utf8' })
    return [
      ...(rules.includes('table ip meshmark') ? ['rules'] : []),
      ...(device.includes(dns) ? ['address'] : []),
      ...(readFileSync(resolvConf, 'utf8') === originalResolvConf ? [] : ['resolv.conf']),
    ].join(' ')
  }
  const end = async (agent: AgentProcess): Promise<number | null> => {
    agent.process.kill('SIGTERM')
    return await agent.exited
  }

  t.test('pods and the node itself are answered, over UDP and TCP', async (t) => {
    const agent = start()
    const readyMs = await agent.ready()
    t.comment(`ready after ${readyMs.toFixed(0)} ms, ${agent.rssMib().toFixed(1)} MiB resident`)
    for (const where of ['client', 'node'])
      for (const protocol of ['udp', 'tcp'])
        t.same(await ask(where, web, protocol), answered, `${where} over ${protocol}`)
    t.same(await ask('client', 'nobody.default.svc.cluster.local'), ['NXDOMAIN'])
  })

  t.test('the resolver of the C library finds Services on the node', async (t) => {
    const { out } = await net.exec('node', ['getent', 'ahostsv4', web])
    t.match(out, /^10\.96\.0\.10 /)
    t.match(readFileSync(resolvConf, 'utf8'), new RegExp(`^#.*\\nnameserver ${dns}\\n`))
  })

  t.test('a neighbour in the LAN gets no answer', async (t) => {
    t.same(await ask('lan', web, 'udp', 'A', '500'), ['timeout'])
    t.same(await ask('lan', web, 'tcp', 'A', '500'), ['timeout'])
  })

  t.test('a change in the API is a change in the answers', async (t) => {
    const later = 'later.default.svc.cluster.local'
    t.same(await ask('client', later), ['NXDOMAIN'])
    api.put(paths.services, serviceObject('later', '10.96.0.77'))
    await eventually(async () =>
      same(await ask('client', later), ['NOERROR', `${later} A 10.96.0.77`]),
    )
    api.delete(paths.services, 'default/later')
    await eventually(async () => same(await ask('client', later), ['NXDOMAIN']))
  })

  t.test('metrics say what happened', async (t) => {
    const { status, body } = await (agents.at(-1) ?? start()).get('/metrics')
    t.equal(status, 200)
    for (const line of [
      /^meshmark_dns_queries_total\{rcode="NOERROR"\} [1-9]/m,
      /^meshmark_dns_queries_total\{rcode="NXDOMAIN"\} [1-9]/m,
      /^meshmark_l4_connections_total \d/m,
      /^meshmark_l7_requests_total \d/m,
      /^meshmark_sync_age_seconds \d/m,
      /^meshmark_snapshot_version [1-9]/m,
      /^process_resident_memory_bytes \d/m,
    ])
      t.match(body, line)
  })

  t.test('a second agent on the node does not start, and disturbs nothing', async (t) => {
    const second = start()
    t.equal(await second.exited, 1)
    t.match(second.lines.join('\n'), /another agent serves this node already \(process \d+/)
    t.same(await ask('client', web), answered)
    t.match(leftovers(), /rules address resolv\.conf/)
    agents.pop()
  })

  t.test('what others take away is put back', async (t) => {
    execFileSync('ip', ['addr', 'del', `${dns}/32`, 'dev', 'lo'])
    writeFileSync(resolvConf, originalResolvConf)
    await eventually(() => same(leftovers(), 'rules address resolv.conf'), 10_000)
    t.same(await ask('client', web), answered)
  })

  t.test('a killed agent comes back while the API is away, with what it knew', async (t) => {
    await eventually(() => readFileSync(`${folder}/state/cluster.json`))
    await api.close()
    const killed = agents.at(-1)
    killed?.process.kill('SIGKILL')
    await killed?.exited
    t.equal(leftovers(), 'rules address resolv.conf', 'left as they were')
    const agent = start()
    await agent.ready()
    t.same(await ask('client', web), answered)
    t.match(agent.lines.join('\n'), /begin with the saved state/)
    t.match(agent.lines.join('\n'), /an earlier one left it so/)
    t.match((await agent.get('/metrics')).body, /^meshmark_synced 0$/m)
    await api.listen(apiPort)
    await eventually(async () => {
      same(/^meshmark_synced 1$/m.test((await agent.get('/metrics')).body), true)
    }, 20_000)
  })

  t.test('SIGTERM: the node asks its own servers again, traffic is not cut', async (t) => {
    const agent = agents.at(-1) ?? start()
    t.equal(await end(agent), 0)
    t.equal(leftovers(), 'rules address')
    t.equal(readFileSync(resolvConf, 'utf8'), originalResolvConf)
  })

  t.test('cleanup leaves nothing', async (t) => {
    const cleaner = startAgent(['cleanup', `--node-resolv-conf=${resolvConf}`])
    t.equal(await cleaner.exited, 0, cleaner.lines.join('\n'))
    t.equal(leftovers(), '')
  })

  t.test('the end of the DaemonSet is the end of everything', async (t) => {
    const sets = '/apis/apps/v1/namespaces/kube-system/daemonsets'
    api.put(sets, { metadata: { name: 'mesh', namespace: 'kube-system' } })
    const first = start('--owner=kube-system/mesh')
    await first.ready()
    t.equal(await end(first), 0)
    t.equal(leftovers(), 'rules address', 'a restart')
    const second = start('--owner=kube-system/mesh')
    await second.ready()
    await eventually(() => same(api.count(`${sets}?`) > 2, true))
    api.delete(sets, 'kube-system/mesh')
    t.equal(await end(second), 0)
    t.equal(leftovers(), '')
  })

  t.test('cleanup-on-exit decides without asking', async (t) => {
    const always = start('--cleanup-on-exit=always')
    await always.ready()
    t.equal(await end(always), 0)
    t.equal(leftovers(), '')
    const never = start('--cleanup-on-exit=never')
    await never.ready()
    t.equal(await end(never), 0)
    t.equal(leftovers(), 'rules address resolv.conf')
  })

  t.test(
    'a node that was never online says SERVFAIL for cluster names, is not ready, keeps its resolv.conf',
    async (t) => {
      const cleaner = startAgent(['cleanup', `--node-resolv-conf=${resolvConf}`])
      await cleaner.exited
      const agent = start('--server=http://127.0.0.1:1', `--state-dir=${folder}/empty`)
      await eventually(async () => same((await agent.get('/healthz')).status, 200))
      await eventually(async () => same(await ask('client', web), ['SERVFAIL']))
      t.equal((await agent.get('/readyz')).status, 503)
      t.equal(readFileSync(resolvConf, 'utf8'), originalResolvConf)
      t.equal(await end(agent), 0)
    },
  )

  t.test('the second SIGTERM does not wait for what is under way', async (t) => {
    // the upstream server takes questions and never answers: each takes 4 s to fail
    const silent = createSocket('udp4')
    await new Promise<void>((resolve) => silent.bind(5399, '127.0.0.1', resolve))
    t.teardown(() => silent.close())
    const agent = start('--upstream=127.0.0.1:5399')
    await agent.ready()
    const asked = new Promise((resolve) => silent.once('message', resolve))
    const client = createSocket('udp4')
    t.teardown(() => client.close())
    client.send(
      Buffer.from('000101000001000000000000016100000100 01'.replaceAll(' ', ''), 'hex'),
      53,
      dns,
    )
    await asked
    agent.process.kill('SIGTERM')
    await eventually(() =>
      same(
        agent.lines.some((line) => line.includes('"ending"')),
        true,
      ),
    )
    const startedAt = performance.now()
    agent.process.kill('SIGTERM')
    t.equal(await agent.exited, 1)
    t.ok(performance.now() - startedAt < 2000)
  })

  t.test('what cannot be served is said in one line', async (t) => {
    const taken = createSocket('udp4')
    await new Promise<void>((resolve) => taken.bind(5398, '127.0.0.1', resolve))
    t.teardown(() => taken.close())
    const refused = start('--dns-address=127.0.0.1', '--dns-port=5398')
    t.equal(await refused.exited, 1)
    t.match(
      refused.lines.join('\n'),
      /cannot listen on UDP 127\.0\.0\.1:5398: another program serves it/,
    )
    const wrong = start('--dns-port=none')
    t.equal(await wrong.exited, 2)
    t.same(wrong.lines, [
      'meshmark-reference: --dns-port: got "none", want a whole number from 1 to 65535',
    ])
  })
}
