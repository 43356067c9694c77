/** A kind cluster with two address families and a pod network that a user brings. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { parseAllDocuments, stringify } from 'yaml'
import type { Cluster } from '../../model/cluster.ts'
import { connectProbe } from '../../probes/client.ts'
import { cannotRunKind, kindForTests, kindNodeImage } from '../../testing/needs-kind.ts'
import { defaultTopology } from '../local/topology.ts'

const skip = await cannotRunKind()
const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(120_000) })
const runId = `shape-${process.pid}`

/** kind's own pod network under another name: the only one that every node image brings. */
function anotherNetwork(): string {
  const cat = ['run', '--rm', '--network', 'none', '--entrypoint', 'cat', kindNodeImage ?? '']
  const { stdout } = spawnSync('docker', [...cat, '/kind/manifests/default-cni.yaml'], {
    encoding: 'utf8',
  })
  const text = stdout.replace(/"?\{\{.*?\}\}"?/g, '10.244.0.0/16,fd00:10:244::/56')
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Readonly<Record<string, unknown>> | null)
    .filter((manifest) => manifest !== null)
    .map((manifest) => {
      if (manifest['kind'] === 'DaemonSet') {
        const { template } = manifest['spec'] as {
          readonly template: { readonly spec: { containers: { env: object[] }[] } }
        }
        const value = `meshmark-${runId}-control-plane:6443`
        template.spec.containers[0]?.env.push({ name: 'CONTROL_PLANE_ENDPOINT', value })
      }
      return stringify(manifest)
    })
    .join('---\n')
}

t.test('dual stack, and a pod network from a file', { skip }, async (t) => {
  const cni = join(t.testdir({}), 'another-net.yaml')
  writeFileSync(cni, anotherNetwork())
  const ipv6 = { podCidr: 'fd00:10:244::/56', serviceCidr: 'fd00:10:96::/112' }
  await using cluster = await kindForTests({ cni }).create(
    { ...defaultTopology(), ipv6 },
    { runId, signal: AbortSignal.timeout(300_000) },
  )
  t.equal(cluster.description['pod network'], 'another-net')
  t.ok(cluster.capabilities.has('ipv6') || cluster.description['IPv6 in the nodes'] === 'no')
  await t.test('the pod network of the file carries packets between nodes', (t) =>
    podsTalk(t, cluster),
  )
  await t.test('a Service has an address of each family', async (t) => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'dual', namespace: 'default' },
      spec: { ipFamilyPolicy: 'RequireDualStack', ports: [{ port: 80 }] },
    }
    await using _applied = await cluster.apply([service], options())
    const type = await cluster.kube.typeOf(service, options())
    const found = await cluster.kube.get(type, { name: 'dual', namespace: 'default' }, options())
    const { clusterIPs = [] } = (found?.['spec'] ?? {}) as { readonly clusterIPs?: string[] }
    t.match(clusterIPs, [/^10\.96\./, /^fd00:10:96:/])
  })
  await t.test('nothing gets out by IPv6 either', async (t) => {
    // why: 2001:db8::/32 is for documentation (RFC 3849) and belongs to nobody
    const script =
      'ip -6 route replace 2001:db8::/32 via fe80::1 dev eth0; ping -6 -c 1 -W 5 2001:db8::1'
    await using channel = await cluster.spawn({ node: 'edge-node-a', network: 'host' }, 'shell', {
      args: ['sh', '-c', `${script}; ip6tables -w -S MESHMARK-WAY-OUT`],
      ...options(),
    })
    channel.end()
    const lines: string[] = []
    for await (const line of channel.messages) lines.push(String(line))
    await channel.exited
    t.match(lines.join('\n'), /-j REJECT --reject-with icmp6-adm-prohibited/)
  })
})

async function podsTalk(t: Test, cluster: Cluster): Promise<void> {
  const at = { node: 'edge-node-b', network: 'container' } as const
  await using address = await cluster.spawn(at, 'shell', {
    args: ['hostname', '-i'],
    ...options(),
  })
  address.end()
  const said: string[] = []
  for await (const line of address.messages) said.push(String(line))
  const [host = ''] = said.join(' ').split(/\s+/)
  await using probe = connectProbe(
    await cluster.spawn({ node: 'edge-node-a', network: 'container' }, 'probe', options()),
  )
  // why: nobody listens there; to be refused one has to have been reached
  const job = { kind: 'tcp', host, port: 9, timeoutMs: 2_000 } as const
  let seen = await probe.run(job, options())
  for (let tries = 0; seen.kind !== 'refused' && tries < 30; tries += 1) {
    await delay(500)
    seen = await probe.run(job, options())
  }
  t.equal(seen.kind, 'refused', JSON.stringify(seen))
}
