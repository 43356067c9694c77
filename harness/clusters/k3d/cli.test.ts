/** What the real k3d said, replayed; recorded, never written from memory. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { HarnessError } from '../../model/errors.ts'
import { root } from '../../testing/sources.ts'
import { defaultTopology } from '../local/topology.ts'
import { containerNames, createArguments } from './arguments.ts'
import { checkedVersion, clusterNames, judged } from './cli.ts'

interface Transcript {
  readonly name: string
  readonly argv: readonly string[]
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const file = join(root, 'harness', 'clusters', 'k3d', 'transcripts.json')
const recorded = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly recordedFrom: string
  readonly transcripts: readonly Transcript[]
}
t.comment(recorded.recordedFrom)

function transcript(name: string): Transcript {
  const found = recorded.transcripts.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no transcript ${name}`)
  return found
}

/** What our wrapper makes of a transcript: what was said, or the error. */
function replayed(name: string): string | HarnessError {
  const { argv, ...ended } = transcript(name)
  try {
    return judged(argv, ended)
  } catch (error) {
    if (error instanceof HarnessError) return error
    throw error
  }
}

t.test('what k3d says when it works is read', (t) => {
  t.equal(checkedVersion(String(replayed('version'))), 'v5-dev')
  t.same(clusterNames(String(replayed('list-none'))), [])
  t.same(clusterNames(String(replayed('list-one'))), ['meshmark-taken'])
  t.end()
})

t.test('a k3d of another major version is refused', (t) => {
  for (const said of ['k3d version v4.4.8\n', 'command not found'])
    t.throws(() => checkedVersion(said), { code: 'tool-missing', message: /want version 5/ })
  t.end()
})

for (const { name, code, says, hint } of [
  {
    name: 'no-docker-list',
    code: 'provision-failed',
    says: /Docker is not running/,
    hint: /docker/,
  },
  {
    name: 'no-docker-create',
    code: 'provision-failed',
    says: /Docker is not running/,
    hint: /docker/,
  },
  {
    name: 'name-taken',
    code: 'provision-failed',
    says: /a cluster of this name exists/,
    hint: /delete/,
  },
  {
    name: 'image-absent',
    code: 'provision-failed',
    says: /an image is neither here/,
    hint: /pull/,
  },
  { name: 'unknown-flag', code: 'tool-missing', says: /does not know a flag/, hint: /version 5/ },
  { name: 'kubeconfig-none', code: 'provision-failed', says: /no such cluster/, hint: /list/ },
  { name: 'import-none', code: 'provision-failed', says: /no such cluster/, hint: /list/ },
])
  t.test(`the error of k3d "${name}" has a cause and a cure`, (t) => {
    t.match(replayed(name), { code, message: says, hint })
    t.notMatch(String(replayed(name)), '\u001b', 'without codes of terminals')
    t.end()
  })

t.test('a cluster without kube-proxy is asked for with the names of the topology', (t) => {
  const topology = defaultTopology()
  const argv = createArguments(topology, { name: 'meshmark-x', kubeProxy: false })
  for (const word of [
    '--disable-kube-proxy@server:0',
    '--disable=traefik,servicelb,metrics-server@server:0',
    '--flannel-backend=host-gw@server:0',
    '--node-name=master@server:0',
    '--node-name=edge-node-b@agent:1',
    '--kubeconfig-update-default=false',
  ])
    t.ok(argv.includes(word), word)
  t.same(
    [...containerNames('meshmark-x', topology).values()],
    ['k3d-meshmark-x-server-0', 'k3d-meshmark-x-agent-0', 'k3d-meshmark-x-agent-1'],
  )
  t.throws(
    () => createArguments({ ...topology, lans: [] }, { name: 'meshmark-x', kubeProxy: true }),
    { message: /0 LANs and 1 masters/ },
  )
  t.end()
})
