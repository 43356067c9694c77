/** The shipped manifests against a real kube-apiserver, and the Helm chart against the manifests. */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { local } from '../../clusters/local/provider.ts'
import { defaultTopology } from '../../clusters/local/topology.ts'
import { cannotRunLocal } from '../../testing/needs-local.ts'
import { root } from '../../testing/sources.ts'

const deploy = join(root, 'reference-impl', 'deploy')
const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) })
const provider = local({ packageDirectory: root, controlPlane: 'envtest' })
const [problem] = await provider.preflight(options())
const has = (program: string): boolean =>
  spawnSync(program, ['version', '--client']).error === undefined
const noCluster = (await cannotRunLocal()) || (problem === undefined ? false : problem.message)
const skip = noCluster === false ? !has('kubectl') && 'no kubectl here' : noCluster
const chart = join(deploy, 'chart')
/** A helm that was built without its release's flags takes every cluster for one of Kubernetes 1.20. */
const template = ['template', '--kube-version', '1.34.0']
const noHelm = spawnSync('helm', ['version']).status === 0 ? false : 'no helm here'

interface Ended {
  readonly code: number | null
  readonly said: string
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
}

function manifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null)
    .toSorted((a, b) => (a.kind < b.kind ? -1 : 1))
}

const shipped = manifests(
  ['rbac.yaml', 'daemonset.yaml']
    .map((file) => readFileSync(join(deploy, file), 'utf8'))
    .join('\n---\n'),
)

t.test('a real API server takes the manifests', { skip }, async (t) => {
  await using cluster = await provider.create(defaultTopology(), {
    runId: `deploy-${process.pid}`,
    ...options(),
  })
  // why: not spawnSync, because the way to the API server leads through this process
  const kubectl = (argv: readonly string[], input = ''): Promise<Ended> =>
    new Promise((resolve) => {
      const child = spawn('kubectl', ['--kubeconfig', cluster.kubeconfig, ...argv])
      let said = ''
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (said += text))
      child.on('close', (code) => {
        resolve({ code, said })
      })
      child.stdin.end(input)
    })
  await t.test('of the kustomize base', async (t) => {
    const { code, said } = await kubectl(['apply', '--dry-run=server', '-k', deploy])
    t.equal(code, 0, said)
    t.equal(said.match(/created \(server dry run\)/g)?.length, shipped.length, said)
  })
  await t.test('of the Helm chart', { skip: noHelm }, async (t) => {
    const { stdout } = spawnSync('helm', [...template, 'agents', chart, '-n', 'default'], {
      encoding: 'utf8',
    })
    const { code, said } = await kubectl(['apply', '--dry-run=server', '-f', '-'], stdout)
    t.equal(code, 0, said)
    t.match(said, /daemonset.apps\/agents created \(server dry run\)/)
  })
})

t.test('the Helm chart renders what the manifests say', { skip: noHelm }, (t) => {
  const rendered = spawnSync(
    'helm',
    [...template, 'meshmark-reference', chart, '-n', 'kube-system'],
    { encoding: 'utf8' },
  )
  t.same(manifests(rendered.stdout), shipped, rendered.stderr)
  t.end()
})

t.test('the Helm chart refuses values that make no sense', { skip: noHelm }, (t) => {
  for (const value of ['apiServer=10.0.0.1', 'image.pullPolicy=Sometimes', 'nonsense=1']) {
    const { status, stderr } = spawnSync('helm', [...template, 'x', chart, '--set', value], {
      encoding: 'utf8',
    })
    t.not(status, 0, value)
    t.match(stderr, /don't meet the specifications of the schema/)
  }
  t.end()
})
