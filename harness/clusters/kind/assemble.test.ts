/** What becomes of a kept cluster's nodes when a run cannot begin; Docker and the API are doubles. */
import { once } from 'node:events'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadPki } from '../local/apiserver/pki/pki.ts'
import { defaultTopology } from '../local/topology.ts'
import { assemble } from './assemble.ts'
import { containerNames } from './config.ts'
import { notedFaults } from './state.ts'

const name = 'meshmark-double'
const topology = { ...defaultTopology(), clusterDns: '169.254.96.16', upstreamDns: ['edge-node-b'] }
const { clusterDns: handedDns } = defaultTopology()
const containers = containerNames(name, topology)

/** Containers whose kubelets hand out what is in the file of their name; `$fails` breaks some commands. */
const docker = (folder: string, fails: string): string => `#!/bin/sh
cd ${folder}/kubelets
case "$*" in
  ${fails}) echo 'no space left on device' >&2; exit 1 ;;
  'network inspect'*) echo 172.18.0.0/16 ;;
  inspect*) echo 172.18.0.2 ;;
  *kubelet/config.yaml*)
    for to; do from=$last; last=$to; done
    test "$(cat "$2")" != "$from" || echo "$to" > "$2" ;;
esac
`

/** Puts the doubles in place. Gives the folder of what kubelets hand out, and a kubeconfig. */
async function doubles(
  t: Test,
  fails: string,
): Promise<{ readonly kubelets: string; readonly kubeconfig: string }> {
  const had = `${handedDns}\n`
  const files = Object.fromEntries([...containers.values()].map((each) => [each, had]))
  const folder = t.testdir({ bin: {}, state: {}, kubelets: files })
  const program = join(folder, 'bin', 'docker')
  await writeFile(program, docker(folder, fails))
  await chmod(program, 0o755)
  const kubelets = join(folder, 'kubelets')
  const pki = loadPki({ directory: join(folder, 'pki'), names: ['127.0.0.1'] })
  const tls = { key: pki.serverKey, cert: pki.serverCertificate }
  const server = createServer(tls, ({ url = '' }, response) => {
    const [, node = ''] = /nodes\/([^/]+)\/proxy\/configz/.exec(url) ?? []
    const answer = async (): Promise<object> => {
      if (node === '') return { gitVersion: 'v1.33.0', metadata: {} }
      const said = await readFile(join(kubelets, containers.get(node) ?? ''), 'utf8')
      return { kubeletconfig: { clusterDNS: [said.trim()] } }
    }
    void answer().then((body) => response.end(JSON.stringify(body)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const kubeconfig = join(folder, 'kubeconfig')
  const config = {
    'current-context': 'double',
    contexts: [{ name: 'double', context: { cluster: 'double', user: 'double' } }],
    clusters: [
      {
        name: 'double',
        cluster: {
          server: `https://127.0.0.1:${port}`,
          'certificate-authority-data': Buffer.from(pki.ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'double', user: { token: 'double' } }],
  }
  await writeFile(kubeconfig, JSON.stringify(config))
  const { PATH: path = '', XDG_STATE_HOME: state } = process.env
  process.env['PATH'] = `${join(folder, 'bin')}:${path}`
  process.env['XDG_STATE_HOME'] = join(folder, 'state')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
    process.env['PATH'] = path
    if (state === undefined) delete process.env['XDG_STATE_HOME']
    else process.env['XDG_STATE_HOME'] = state
  })
  return { kubelets, kubeconfig }
}

const cases = {
  'between the nodes': `*${containers.get('edge-node-b') ?? ''}*config.yaml*' ${topology.clusterDns}'`,
  'when the kubelets were told': '*nameserver*/etc/resolv.conf*',
}

for (const [when, fails] of Object.entries(cases))
  t.test(`a run that cannot begin, ${when}, leaves the nodes as they were`, async (t) => {
    const { kubelets, kubeconfig } = await doubles(t, fails)
    let releases = 0
    const assembling = assemble(
      {
        provider: 'kind',
        network: 'kind',
        podNetwork: 'kindnet',
        name,
        runId: 'r',
        topology,
        containers,
        kubeconfig,
        probeImage: 'meshmark/probe',
        packageDirectory: '/nowhere',
        kubeProxyMode: 'none',
        version: 'v0.33.0',
        load: () => Promise.resolve(),
        handedDns,
        isOwn: false,
        release: () => {
          releases += 1
          return Promise.resolve()
        },
        stays: () => true,
        keep: () => Promise.resolve(),
      },
      { signal: AbortSignal.timeout(60_000) },
    )
    await t.rejects(assembling, { code: 'disk-full' }, 'told why it could not')
    for (const container of containers.values())
      t.equal(await readFile(join(kubelets, container), 'utf8'), `${handedDns}\n`, container)
    t.same(await notedFaults(name), [], 'nothing is left for others to undo')
    t.equal(releases, 1, 'and it is free again')
  })
