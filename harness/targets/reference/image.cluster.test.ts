/** The reference image as a container, with a Kubernetes API, real nginx and a client around it: no cluster. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { GenericContainer, Wait } from 'testcontainers'
import { buildImage } from '../../clusters/images/build.ts'
import { probeImage, probeImageDirectory } from '../../clusters/images/probe.ts'
import { dockerExec } from '../../clusters/kind/docker-exec.ts'
import { kubeClient } from '../../clusters/kube/client.ts'
import { readKubeconfig } from '../../clusters/remote/read-kubeconfig.ts'
import type { KubeObject } from '../../model/kubernetes.ts'
import type { Probe } from '../../model/probe.ts'
import { connectProbe } from '../../probes/client.ts'
import { dockerLacks } from '../../testing/needs-kind.ts'
import { root } from '../../testing/sources.ts'
import { counterSum } from './metrics.ts'
import { reference } from './target.ts'

// why: its image is not pulled for this; the teardown below removes everything, and the network bears the process' id
process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true'

const nginx = 'nginx:1.22'
const skip = await dockerLacks([nginx, 'node:20-bookworm-slim'])
const name = `meshmark-image-${process.pid}`
const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(120_000) })

function docker(...argv: readonly string[]): string {
  return spawnSync('docker', argv, { encoding: 'utf8' }).stdout.trim()
}

t.test('the reference image, alone on a network without a way out', { skip }, async (t) => {
  t.setTimeout(300_000)
  await t.test('serves the Services of an API', serves)
  t.equal(docker('network', 'ls', '-q', '--filter', `name=${name}`), '', 'the network is gone')
  t.equal(docker('ps', '-aq', '--filter', `network=${name}`), '', 'the containers are gone')
})

async function serves(t: Test): Promise<void> {
  docker('network', 'create', '--internal', name)
  t.teardown(() => docker('network', 'rm', name))
  const gateway = docker('network', 'inspect', name, '-f', '{{(index .IPAM.Config 0).Gateway}}')
  const api = await startApi(t, gateway)
  const [source] = (await reference({ packageDirectory: root, version: 'test' }).images?.()) ?? []
  if (source === undefined) throw new Error('the reference has no image')
  const { name: repository, ...contents } = source
  const agentImage = await buildImage(
    repository,
    { packageDirectory: root, ...contents },
    options(),
  )
  const clientImage = await probeImage({ packageDirectory: root }, options())

  const server = await new GenericContainer(nginx)
    .withNetworkMode(name)
    .withWaitStrategy(Wait.forSuccessfulCommand('test -s /run/nginx.pid'))
    .start()
  t.teardown(() => server.stop({ timeout: 0 }))
  await api.publish(server.getIpAddress(name))

  const agent = await new GenericContainer(agentImage.reference)
    .withNetworkMode(name)
    .withAddedCapabilities('NET_ADMIN')
    .withEnvironment({
      NODE_NAME: 'edge-node-a',
      KUBECONFIG: '/kubeconfig',
      MESHMARK_NODE_RESOLV_CONF: '/etc/resolv.conf',
    })
    .withCopyContentToContainer([{ content: api.kubeconfig, target: '/kubeconfig' }])
    .withWaitStrategy(Wait.forLogMessage(/"serving"/))
    .start()
  t.teardown(() => agent.stop({ timeout: 0 }))
  // why: nodes have one, and without it a packet for a ClusterIP does not even begin its way
  await agent.exec(['ip', 'route', 'add', 'default', 'via', gateway])

  const client = await new GenericContainer(clientImage.reference)
    .withNetworkMode(`container:${agent.getId()}`)
    .start()
  t.teardown(() => client.stop({ timeout: 0 }))
  const program = ['node', `${probeImageDirectory}/dist/harness/probes/main.js`]
  await using probe = connectProbe(await dockerExec(client.getId(), program, options()))
  await answers(t, probe, await api.clusterIp())

  const { exitCode } = await agent.exec(['curl', '--version'])
  t.not(exitCode, 0, 'nothing is in the image that the agent does not need')
}

/** Names by real DNS packets, pages through the kernel's rules and through the agent's own proxy. */
async function answers(t: Test, probe: Probe, clusterIp: string): Promise<void> {
  for (const transport of ['udp', 'tcp'] as const) {
    const ask = { kind: 'dns', type: 'A', transport, timeoutMs: 5_000 } as const
    const server = { address: '169.254.96.16', port: 53 }
    t.match(
      await probe.run({ ...ask, server, name: 'web.default.svc.cluster.local' }, options()),
      { kind: 'dns', rcode: 'NOERROR', authoritative: true, answers: [{ data: clusterIp }] },
      `a name over ${transport}`,
    )
    t.match(
      await probe.run({ ...ask, server, name: 'nobody.default.svc.cluster.local' }, options()),
      { kind: 'dns', rcode: 'NXDOMAIN', answers: [] },
    )
  }
  for (const [way, url] of [
    ['the rules of the kernel', 'http://web.default.svc.cluster.local:80/'],
    ['the proxy of the agent', 'http://web.default.svc.cluster.local:8080/'],
  ] as const) {
    const page = await probe.run({ kind: 'http', url, timeoutMs: 5_000 }, options())
    t.match(page, { kind: 'http', status: 200, body: /Welcome to nginx/ }, `a page by ${way}`)
  }
  const metrics = { kind: 'http', url: 'http://127.0.0.1:10354/metrics', timeoutMs: 5_000 } as const
  const seen = await probe.run(metrics, options())
  const text = seen.kind === 'http' ? seen.body : ''
  t.equal(counterSum(text, 'meshmark_l4_connections_total'), 1, 'one went the one way')
  t.equal(counterSum(text, 'meshmark_l7_requests_total'), 1, 'and one the other')
  const url = 'http://web.default.svc.cluster.local:81/'
  const nobody = await probe.run({ kind: 'http', url, timeoutMs: 5_000 }, options())
  t.not(nobody.kind, 'http', 'a port that the Service has not')
}

interface FixtureApi {
  readonly kubeconfig: string
  /** A Service `web` of two ports, one of them for the proxy, whose only endpoint listens on port 80. */
  readonly publish: (address: string) => Promise<void>
  readonly clusterIp: () => Promise<string>
}

/** The API server of provider local, as a process, where containers of the network reach it. */
async function startApi(t: Test, host: string): Promise<FixtureApi> {
  // why: paths of sockets have at most 107 bytes (unix(7)), and tap's folders bear the titles of tests
  const folder = mkdtempSync(join(tmpdir(), 'meshmark-api-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const token = 'topsecret'
  const port = await freePort(host)
  const config = {
    listen: { host, port },
    socket: join(folder, 'api.sock'),
    adminSocket: join(folder, 'admin.sock'),
    pkiDir: join(folder, 'pki'),
    tokensFile: join(folder, 'tokens.json'),
    serviceCidr: '10.96.0.0/16',
    podCidr: '10.244.0.0/16',
    clusterDomain: 'cluster.local',
    nodePortRange: [30_000, 32_767],
    masterAddress: host,
  }
  const admin = { token, user: 'meshmark-admin', groups: ['system:masters'] }
  mkdirSync(config.pkiDir, { recursive: true })
  writeFileSync(config.tokensFile, JSON.stringify([admin]))
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  const program = join(root, 'dist', 'harness', 'clusters', 'local', 'control-plane.js')
  const child = spawn(process.execPath, [program, join(folder, 'config.json')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => {
      if (text.includes('"ready"')) resolve()
    })
    child.once('exit', (code) => {
      reject(new Error(`the API server ended with ${String(code)}`))
    })
  })
  const authority = readFileSync(join(config.pkiDir, 'ca.crt')).toString('base64')
  const cluster = {
    server: `https://${host}:${port}`,
    'certificate-authority-data': authority,
  }
  const kubeconfig = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    clusters: [{ name: 'x', cluster }],
    users: [{ name: 'x', user: { token } }],
  })
  writeFileSync(join(folder, 'kubeconfig'), kubeconfig)
  const kube = kubeClient(readKubeconfig(join(folder, 'kubeconfig')))
  t.teardown(() => kube[Symbol.asyncDispose]())
  const create = async (object: KubeObject): Promise<void> => {
    await kube.create(await kube.typeOf(object, options()), object, options())
  }
  const metadata = { name: 'web', namespace: 'default' }
  const service: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      ports: [
        { name: 'tcp-0', port: 80, targetPort: 80 },
        { name: 'http-0', port: 8080, targetPort: 80 },
      ],
    },
  }
  return {
    kubeconfig,
    publish: async (address) => {
      await create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'edge-node-a' } })
      await create(service)
      await create({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
        ports: ['tcp-0', 'http-0'].map((each) => ({ name: each, port: 80, protocol: 'TCP' })),
      })
    },
    clusterIp: async () => {
      const found = await kube.get(await kube.typeOf(service, options()), metadata, options())
      return ((found?.['spec'] ?? {}) as { readonly clusterIP?: string }).clusterIP ?? ''
    },
  }
}

async function freePort(host: string): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
