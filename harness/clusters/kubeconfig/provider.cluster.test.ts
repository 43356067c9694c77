/** A cluster that exists, reached by its kubeconfig alone; here it is one of kind's. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { clusterContract } from '../../testing/cluster-contract.ts'
import { cannotRunKind, kindForTests } from '../../testing/needs-kind.ts'
import { root } from '../../testing/sources.ts'
import { defaultTopology } from '../local/topology.ts'
import { kubeconfig } from './provider.ts'

const skip = await cannotRunKind()
const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(120_000) })

interface Kubeconfig {
  readonly contexts: { name: string; context: { user: string } }[]
  'current-context': string
  readonly users: { name: string; user: object }[]
}

t.test('a cluster that exists', { skip, timeout: 400_000 }, async (t) => {
  const topology = defaultTopology()
  const runId = `existing-${process.pid}`
  const cluster = await kindForTests().create(topology, { runId, ...options() })
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-test-'))
  t.teardown(async () => {
    await cluster[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  const file = join(folder, 'config')
  copyFileSync(cluster.kubeconfig, file)
  const kubectl = (...argv: readonly string[]): string => {
    const { stdout, stderr } = spawnSync('kubectl', ['--kubeconfig', file, ...argv], {
      encoding: 'utf8',
    })
    return stdout + stderr
  }
  const provider = kubeconfig({ packageDirectory: root, kubeconfig: file })

  await t.test('keeps the contract of providers', async (t) => {
    const before = kubectl('get', 'namespaces', '-o', 'name')
    await clusterContract(t, provider, topology)
    t.equal(kubectl('get', 'namespaces', '-o', 'name'), before, 'its namespace is gone')
  })

  await t.test(
    'is asked for the rights of a run, and those that are missing are listed',
    async (t) => {
      kubectl('create', 'serviceaccount', 'nobody', '-n', 'default')
      const token = kubectl('create', 'token', 'nobody', '-n', 'default').trim()
      const config = parse(readFileSync(file, 'utf8')) as Kubeconfig
      const poor = join(folder, 'poor')
      const user = config.users[0]?.name ?? ''
      writeFileSync(poor, stringify({ ...config, users: [{ name: user, user: { token } }] }))
      const problems = await kubeconfig({ packageDirectory: root, kubeconfig: poor }).preflight(
        options(),
      )
      const messages = problems.map(({ message }) => message)
      t.ok(messages.includes('you may not create namespaces'), messages.join('; '))
      t.ok(messages.includes('you may not create pods/exec'))
      t.ok(problems.length > 15, 'all of them at once')
    },
  )

  await t.test('that looks like production is refused until it is named', async (t) => {
    const config = parse(readFileSync(file, 'utf8')) as Kubeconfig
    const [context] = config.contexts
    const prod = join(folder, 'prod')
    const contexts = [{ ...context, name: 'eu-prod-1' }]
    writeFileSync(prod, stringify({ ...config, contexts, 'current-context': 'eu-prod-1' }))
    const init = { packageDirectory: root, kubeconfig: prod }
    t.match(await kubeconfig(init).preflight(options()), [
      {
        message: /eu-prod-1 looks like a cluster that people depend on/,
        cure: /--yes-this-cluster eu-prod-1/,
      },
    ])
    t.same(await kubeconfig({ ...init, agreedCluster: 'eu-prod-1' }).preflight(options()), [])
    t.match(await kubeconfig({ ...init, agreedCluster: 'other' }).preflight(options()), [
      { message: /--yes-this-cluster names other/ },
    ])
  })

  await t.test('whose edge nodes are not there is refused by name', async (t) => {
    const wrong = kubeconfig({ packageDirectory: root, kubeconfig: file, edgeNodes: ['a', 'b'] })
    await t.rejects(wrong.create(topology, { runId: 'wrong', ...options() }), {
      message: 'there is no node a, b',
      hint: /edge-node-a/,
    })
    const one = kubeconfig({ packageDirectory: root, kubeconfig: file, edgeNodes: ['edge-node-a'] })
    await t.rejects(one.create(topology, { runId: 'one', ...options() }), {
      message: /needs two Ready edge nodes, this cluster has 1 \(edge-node-a\)/,
    })
    t.notMatch(
      kubectl('get', 'namespaces', '-o', 'name'),
      /meshmark-(?:wrong|one)/,
      'nothing is left',
    )
  })

  await t.test('has no node access where privileged pods are forbidden', async (t) => {
    const policy = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'no-host-network' },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
          ],
        },
        validations: [
          { expression: '!object.spec.?hostNetwork.orValue(false)', reason: 'Forbidden' },
        ],
      },
    }
    const binding = {
      ...policy,
      kind: 'ValidatingAdmissionPolicyBinding',
      spec: { policyName: 'no-host-network', validationActions: ['Deny'] },
    }
    await using _ = await cluster.apply([policy, binding], options())
    let has = true
    // why: the API server takes a policy up a moment after it was created
    for (const deadline = performance.now() + 30_000; has && performance.now() < deadline;) {
      await using poor = await provider.create(topology, { runId: 'poor', ...options() })
      has = poor.capabilities.has('node-access')
    }
    t.notOk(has)
  })
})
