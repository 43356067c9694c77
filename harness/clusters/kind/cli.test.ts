import t from 'tap'
import { parse } from 'yaml'
import { defaultTopology } from '../local/topology.ts'
import { checkedVersion, failure } from './cli.ts'
import { containerNames, kindConfig } from './config.ts'
import { closedWayOut, faultRules } from './rules.ts'

t.test('an old kind, or something else of that name, is refused', (t) => {
  t.equal(checkedVersion('kind v0.33.0 go1.26.8 linux/amd64\n'), 'v0.33.0')
  t.equal(checkedVersion('kind v1.0.0-alpha go1.30'), 'v1.0.0-alpha')
  for (const said of ['kind v0.19.0 go1.20', 'KinD of magic', ''])
    t.throws(() => checkedVersion(said), { code: 'tool-missing', message: /want v0.20 or newer/ })
  t.end()
})

t.test('what kind 0.33 and Docker say is told with its cause and cure', (t) => {
  const cause = (said: string): string => failure(['kind', 'create', 'cluster'], 1, said).code
  t.equal(
    cause('ERROR: failed to create cluster: node(s) already exist for a cluster with the name "x"'),
    'provision-failed',
  )
  t.equal(
    cause('Cannot connect to the Docker daemon at unix:///var/run/docker.sock.'),
    'provision-failed',
  )
  t.equal(cause('write /x.tar: no space left on device'), 'disk-full')
  t.match(failure(['kind', 'create', 'cluster'], 2, 'what?'), {
    code: 'program-failed',
    message: 'kind create cluster: exit code 2: what?',
  })
  t.end()
})

t.test('a topology that Docker cannot give is refused by what it asks for', (t) => {
  const topology = { ...defaultTopology(), upstreamDns: ['192.168.10.10'] }
  t.throws(() => kindConfig(topology, { name: 'm', kubeProxyMode: 'none' }), {
    code: 'provision-failed',
    message: /^upstreamDns: got 192\.168\.10\.10, .*want names of nodes/,
  })
  t.doesNotThrow(() => {
    kindConfig({ ...topology, upstreamDns: ['edge-node-a'] }, { name: 'm', kubeProxyMode: 'none' })
  }, 'nodes have names before they have addresses')
  t.end()
})

t.test('the configuration has the topology, and Kubernetes the names of its nodes', (t) => {
  const text = kindConfig(defaultTopology(), {
    name: 'm',
    kubeProxyMode: 'nftables',
    nodeImage: 'i',
  })
  const config = parse(text) as {
    readonly nodes: readonly { readonly kubeadmConfigPatches: readonly string[] }[]
  }
  t.match(config, {
    networking: {
      podSubnet: '10.244.0.0/16',
      serviceSubnet: '10.96.0.0/16',
      kubeProxyMode: 'nftables',
    },
    nodes: [{ role: 'control-plane', image: 'i' }, { role: 'worker' }, { role: 'worker' }],
  })
  t.same(
    config.nodes.map(({ kubeadmConfigPatches: [patch = ''] }) => parse(patch) as unknown),
    [
      { kind: 'InitConfiguration', nodeRegistration: { name: 'master' } },
      { kind: 'JoinConfiguration', nodeRegistration: { name: 'edge-node-a' } },
      { kind: 'JoinConfiguration', nodeRegistration: { name: 'edge-node-b' } },
    ],
  )
  t.same(Object.fromEntries(containerNames('m', defaultTopology())), {
    master: 'm-control-plane',
    'edge-node-a': 'm-worker',
    'edge-node-b': 'm-worker2',
  })
  const two = { ...defaultTopology(), lans: [...defaultTopology().lans, ...defaultTopology().lans] }
  t.throws(() => kindConfig(two, { name: 'm', kubeProxyMode: 'none' }), { message: /has 2 LANs/ })
  t.end()
})

t.test('kubelets that know the setting are told how long a restart may wait', (t) => {
  const topology = { ...defaultTopology(), longestRestartPauseMs: 1_000 }
  const kubelet = (nodeImage: string): unknown => {
    const text = kindConfig(topology, { name: 'm', kubeProxyMode: 'none', nodeImage })
    const { kubeadmConfigPatches: patches } = parse(text) as {
      readonly kubeadmConfigPatches: readonly string[]
    }
    return parse(patches.find((patch) => patch.includes('KubeletConfiguration')) ?? '')
  }
  t.match(kubelet('kindest/node:v1.34.4'), {
    featureGates: { KubeletCrashLoopBackOffMax: true },
    crashLoopBackOff: { maxContainerRestartPeriod: '1s' },
  })
  for (const image of ['kindest/node:v1.31.9', 'mine'])
    t.notHas(kubelet(image), { featureGates: {} }, image)
  t.end()
})

t.test('every rule that is put in is taken out again', (t) => {
  for (const { apply, undo } of [
    closedWayOut({ nodes: '172.18.0.0/16', pods: '10.244.0.0/16' }),
    faultRules({ kind: 'cut-node', node: 'x', from: 'all' }, '1.2.3.4'),
    faultRules({ kind: 'cut-node', node: 'x', from: 'control-plane' }, '1.2.3.4'),
  ]) {
    const put = apply
      .map((argv) => argv.join(' '))
      .filter((line) => / -[AI] (?!MESHMARK)/.test(line))
    const taken = undo.filter((argv) => argv.includes('-D')).map((argv) => argv.join(' '))
    t.same(put.map((line) => line.replace(/ -[AI] /, ' -D ')).sort(), [...taken].sort())
    t.not(put.length, 0)
  }
  t.throws(() => faultRules({ kind: 'api', behaviour: { kind: 'refuse' } }, ''), {
    code: 'fault-failed',
  })
  t.end()
})
