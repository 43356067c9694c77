import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { DnsJob, Observation, Probe } from '../model/probe.ts'
import { childChannel } from '../cli/child-channel.ts'
import { connectProbe } from './client.ts'

const { signal } = new AbortController()
const unshare = [
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  ...['--net', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'],
]

/** What is missing for these tests, as a reason to skip. */
function missing(): string | false {
  if (spawnSync('unshare', [...unshare, 'true']).status !== 0) return 'no namespaces here'
  for (const [program, argument] of [
    ['dnsmasq', '--version'],
    ['socat', '-V'],
  ] as const)
    if (spawnSync(program, [argument]).status !== 0) return `no ${program} here`
  return false
}

const skip = missing()

/** A network of its own with a real name server on 127.0.0.1 and a silent one on 127.0.0.2. */
const setUp = `
set -e
ip link set lo up
mount --bind "$1/resolv.conf" /etc/resolv.conf
dnsmasq --no-resolv --no-hosts --port=53 --listen-address=127.0.0.1 --bind-interfaces --pid-file= \
  --user= --local=/example.org/ --auth-ttl=5 --local-ttl=7 \
  --host-record=web.example.org,10.1.2.3,fd00::3 --host-record=four.example.org,10.1.2.4 \
  --srv-host=_http._tcp.web.example.org,web.example.org,8080,10,20 \
  --txt-record=web.example.org,"two words" \
  --address=/many.example.org/10.0.0.1
socat -u UDP-RECV:53,bind=127.0.0.2 OPEN:"$1/unanswered",creat,append &
exec "$2" "$3"
`

interface Place {
  readonly probe: Probe
  readonly setServer: (address: string) => void
  readonly unanswered: () => string
}

function place(t: Test): Place {
  const folder = t.testdir({ 'resolv.conf': '', unanswered: '' })
  const setServer = (address: string): void => {
    writeFileSync(
      join(folder, 'resolv.conf'),
      `# first\nnameserver ${address}\nsearch example.org\noptions timeout:20 attempts:1 ndots:1\n`,
    )
  }
  setServer('127.0.0.1')
  const main = join(import.meta.dirname, 'main.js')
  const args = [...unshare, 'sh', '-c', setUp, 'sh', folder, process.execPath, main]
  const probe = connectProbe(childChannel('unshare', args))
  t.teardown(() => probe[Symbol.asyncDispose]())
  return {
    probe,
    setServer,
    unanswered: () => readFileSync(join(folder, 'unanswered'), 'latin1'),
  }
}

t.test('getaddrinfo: found, not there, could not be found out, no answer', { skip }, async (t) => {
  const { probe, setServer } = place(t)
  const resolve = (name: string, part: object = {}): Promise<Observation> =>
    probe.run({ kind: 'resolve', name, timeoutMs: 10_000, ...part }, { signal })
  t.match(await resolve('four.example.org'), { kind: 'resolved', addresses: ['10.1.2.4'] })
  t.match(await resolve('four'), { addresses: ['10.1.2.4'] }, 'by the search list')
  t.match(await resolve('web', { family: 6 }), { addresses: ['fd00::3'] })
  t.match(await resolve('10.9.8.7'), { addresses: ['10.9.8.7'] })
  t.match(await resolve('no.example.org'), { kind: 'name-not-found', detail: /ENOTFOUND/ })
  t.match(await resolve('elsewhere.example.net.'), { kind: 'name-failure', detail: /EAI_AGAIN/ })
  t.match(
    await probe.run({ kind: 'http', url: 'http://no.example.org/', timeoutMs: 10_000 }, { signal }),
    { kind: 'name-not-found' },
  )
  setServer('127.0.0.2')
  t.match(await resolve('web', { timeoutMs: 100 }), { kind: 'timed-out' })
})

t.test('twenty lookups at once are all asked, though nobody answers', { skip }, async (t) => {
  const { probe, setServer, unanswered } = place(t)
  setServer('127.0.0.2')
  const names = Array.from({ length: 20 }, (_, index) => `n${index}x`)
  const seen = await Promise.all(
    names.map((name) => probe.run({ kind: 'resolve', name, timeoutMs: 6_000 }, { signal })),
  )
  for (const one of seen) t.match(one, { kind: 'timed-out' })
  t.same(
    names.filter((name) => !unanswered().includes(name)),
    [],
    'names that nobody was asked for',
  )
})

t.test('DNS: sections, flags and codes as they came, over UDP and TCP', { skip }, async (t) => {
  const { probe, setServer } = place(t)
  for (const transport of ['udp', 'tcp'] as const) {
    const ask = (name: string, type: string, part: Partial<DnsJob> = {}): Promise<Observation> =>
      probe.run({ kind: 'dns', name, type, transport, timeoutMs: 5_000, ...part }, { signal })
    t.match(await ask('Web.example.org', 'A'), {
      kind: 'dns',
      rcode: 'NOERROR',
      truncated: false,
      answers: [{ type: 'A', data: '10.1.2.3', ttlSeconds: 7 }],
    })
    t.match(await ask('web.example.org.', 'AAAA'), { answers: [{ data: 'fd00::3' }] })
    t.match(await ask('_http._tcp.web.example.org', 'SRV'), {
      answers: [{ type: 'SRV', data: '10 20 8080 web.example.org' }],
    })
    t.match(await ask('web.example.org', 'TXT'), { answers: [{ data: 'two words' }] })
    t.match(await ask('3.2.1.10.in-addr.arpa', 'PTR'), { answers: [{ data: 'web.example.org' }] })
    t.match(await ask('four.example.org', 'AAAA'), { rcode: 'NOERROR', answers: [] })
    t.match(await ask('no.example.org', 'A'), { rcode: 'NXDOMAIN', answers: [] })
    t.match(await ask('example.net', 'A'), { rcode: 'REFUSED' })
    t.match(await ask('web.example.org', 'A', { edns: { payloadBytes: 1232, dnssecOk: true } }), {
      answers: [{ data: '10.1.2.3' }],
    })
    t.match(await ask('web.example.org', 'A', { server: { address: '127.0.0.3', port: 53 } }), {
      kind: 'refused',
    })
  }
  setServer('127.0.0.2')
  const job = { kind: 'dns', name: 'web', type: 'A', transport: 'udp', timeoutMs: 80 } as const
  t.match(await probe.run(job, { signal }), { kind: 'timed-out', detail: /127.0.0.2:53/ })
})
