import { readdirSync } from 'node:fs'
import { setMaxListeners } from 'node:events'
import { tmpdir } from 'node:os'
import { connect, createServer } from 'node:net'
import t from 'tap'
import { clusterContract, outputOf } from '../../testing/cluster-contract.ts'
import { hostState, processesThatMention } from '../../testing/host-state.ts'
import { cannotRunLocal } from '../../testing/needs-local.ts'
import { root } from '../../testing/sources.ts'
import { local } from './provider.ts'
import { defaultTopology } from './topology.ts'

const skip = await cannotRunLocal()
const signal = AbortSignal.timeout(240_000)
setMaxListeners(0, signal)
const provider = local({ packageDirectory: root })

t.test('provider local keeps the contract of every provider', { skip }, (t) =>
  clusterContract(t, provider, defaultTopology()),
)

t.test(
  'ten clusters at once leave the host as it was, while they run and after',
  { skip },
  async (t) => {
    const before = hostState()
    const ids = Array.from({ length: 10 }, (_, index) => `ten-${process.pid}-${index}`)
    const clusters = await Promise.all(
      ids.map((runId) => provider.create(defaultTopology(), { runId, signal })),
    )
    t.same(hostState(), before, 'while they run')
    t.equal(
      processesThatMention(`ten-${process.pid}-`).length >= 10,
      true,
      'their processes are found',
    )
    const names = await Promise.all(
      clusters.map(async (cluster) => {
        await using channel = await cluster.spawn(
          { node: 'edge-node-a', network: 'host' },
          'shell',
          { args: ['hostname'], signal },
        )
        return await outputOf(channel)
      }),
    )
    t.same(
      names,
      ids.map(() => 'edge-node-a'),
      'every one of them works',
    )
    await Promise.all(clusters.map((cluster) => cluster[Symbol.asyncDispose]()))
    t.same(hostState(), before, 'after')
    t.same(processesThatMention(`ten-${process.pid}-`), [], 'no process is left')
    t.same(runFolders(`ten-${process.pid}-`), [], 'no folder is left')
  },
)

t.test(
  'nothing leads out of the cluster: an address outside is refused at once',
  { skip },
  async (t) => {
    const cluster = await provider.create(defaultTopology(), { runId: 'out', signal })
    try {
      for (const network of ['host', 'container'] as const) {
        const at = { node: 'edge-node-a', network }
        // why: RFC 5737 documentation address; whether it exists is not asked of anybody
        const args = [
          'sh',
          '-c',
          'ip route get 192.0.2.1; timeout 3 bash -c "echo > /dev/tcp/192.0.2.1/80"; echo code $?',
        ]
        await using channel = await cluster.spawn(at, 'shell', { args, signal })
        const said = await outputOf(channel)
        t.match(said, /code 1$/, `${network}: refused, not timed out (124)`)
      }
    } finally {
      await cluster[Symbol.asyncDispose]()
    }
  },
)

t.test('a port of the host that is in use is named, with the cure', { skip }, async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const taken = local({ packageDirectory: root, port })
  await t.rejects(taken.create(defaultTopology(), { runId: `taken-${process.pid}`, signal }), {
    code: 'port-in-use',
    message: `port ${port} of 127.0.0.1 is in use`,
    hint: /any free one/,
  })
  t.same(runFolders(`taken-${process.pid}`), [])
  t.ok(connect(port, '127.0.0.1').destroy())
})

t.test(
  'a topology that asks for what the kernel lacks is refused with the reason',
  { skip },
  async (t) => {
    const topology = defaultTopology()
    const [lan] = topology.lans
    if (lan === undefined) throw new Error('the default topology has no LAN')
    const slow = { ...topology, lans: [{ ...lan, link: { delayMs: 20 } }] }
    try {
      const cluster = await provider.create(slow, { runId: 'slow', signal })
      t.ok(cluster.capabilities.has('link-delay'), 'this kernel has netem')
      await cluster[Symbol.asyncDispose]()
    } catch (error) {
      t.match(error, {
        code: 'provision-failed',
        message: 'lan: link-delay needs netem, which this kernel does not have',
      })
    }
  },
)

t.test('every problem of a topology is told at once', async (t) => {
  const topology = defaultTopology()
  const wrong = {
    ...topology,
    lans: [{ name: 'LAN', cidr: '10.0.0.0/33', uplink: 'open' as const, mtu: 100 }],
    nodes: [
      { name: 'a', lan: 'nowhere', role: 'edge' as const },
      { name: 'a', lan: 'LAN', role: 'edge' as const },
    ],
    upstreamDns: ['192.168.10.10', 'dns.example.org'],
    kubeProxy: 'nftables' as const,
  }
  const error: unknown = await provider
    .create(wrong, { runId: 'wrong', signal })
    .catch((cause: unknown) => cause)
  t.match(error, {
    problems: [
      { subject: 'lans[0].name' },
      { subject: 'lans[0].mtu', message: 'got 100, want 1280 to 9000' },
      { subject: 'nodes[0].lan', message: 'got "nowhere", want one of LAN' },
      { subject: 'nodes', message: 'got "a" twice, want every name once' },
      { subject: 'nodes', message: 'got 0 nodes with role master, want 1' },
      { subject: 'lans[0].cidr', message: 'got "10.0.0.0/33", want an IPv4 CIDR from /8 to /28' },
      {
        subject: 'upstreamDns[1]',
        message: 'got "dns.example.org", want an IPv4 address',
      },
      { subject: 'kubeProxy', message: /got "nftables", provider local has none beside a target/ },
    ],
  })
})

function runFolders(part: string): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('meshmark-') && name.includes(part))
}
