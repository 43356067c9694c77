/** The suite on provider local: from flags to files, and with the harness itself broken. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readCatalogue } from '../../scenarios/catalogue.ts'
import { checks } from '../../scenarios/conformance/index.ts'
import { local } from '../clusters/local/provider.ts'
import { run, type RunComponents } from '../engine/run.ts'
import type { Check } from '../model/check.ts'
import type { ProgramChannel } from '../model/cluster.ts'
import type { RunResult } from '../model/run-result.ts'
import { connectProbe } from '../probes/client.ts'
import { ownPrograms } from '../targets/kube-proxy-coredns/programs.ts'
import { reference } from '../targets/reference/target.ts'
import { hostState } from '../testing/host-state.ts'
import { cannotRunLocal } from '../testing/needs-local.ts'
import { root } from '../testing/sources.ts'
import { conformanceComponents, conformanceTopology, topologyFor } from './session.ts'

const skip = await cannotRunLocal()
const main = join(root, 'dist', 'harness', 'cli', 'main.js')
const folder = mkdtempSync(join(tmpdir(), 'conform-test-'))
t.teardown(() => {
  rmSync(folder, { recursive: true, force: true })
})

const cannotRunKubeProxy = (() => {
  try {
    ownPrograms()
    return false
  } catch (error) {
    return (error as Error).message
  }
})()

function resultIn(out: string): RunResult {
  return JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as RunResult
}

function meshmark(...argv: readonly string[]): ReturnType<typeof spawnSync> & { stdout: string } {
  return spawnSync(process.execPath, [main, ...argv], { encoding: 'utf8' })
}

t.test('rows are chosen, judged, and written in every format', { skip }, (t) => {
  const out = join(folder, 'out')
  const before = hostState()
  const only = ['--only', 'DNS-A-001,L4-TCP-001']
  const { status, stdout } = meshmark('conform', ...only, '--out', out, '--format', 'junit,tap')
  t.equal(status, 0, stdout)
  t.same(
    resultIn(out).conformance?.tests.map(({ id, status: is }) => [id, is]),
    [
      ['DNS-A-001', 'passed'],
      ['L4-TCP-001', 'passed'],
    ],
  )
  t.match(readFileSync(join(out, 'junit.xml'), 'utf8'), /<testcase [^>]*name="DNS-A-001/)
  t.match(readFileSync(join(out, 'tap.tap'), 'utf8'), /^TAP version 14/)
  t.match(stdout, /conformant: 2 of 2 MUST rows passed/)
  t.same(hostState(), before, 'the host is as it was')
  t.end()
})

t.test('a target without a data plane fails, and says how to run the row again', { skip }, (t) => {
  const out = join(folder, 'direct')
  const { status, stdout } = meshmark(
    ...['conform', '--target', 'direct', '--only', 'DNS-A-001', '--out', out, '--seed', '5'],
  )
  t.equal(status, 1)
  t.match(stdout, /npx meshmark conform --target direct --only DNS-A-001 --seed 5/)
  t.end()
})

/** Everything takes minutes; without MESHMARK_SLOW a quarter of it is run. */
const part = process.env['MESHMARK_SLOW'] === undefined ? ['--shard', '1/4'] : []

t.test('the reference meets every fast row that is a MUST', { skip }, (t) => {
  const out = join(folder, 'reference')
  const { status, stdout } = meshmark('conform', '--fast', ...part, '--out', out, '--seed', '1')
  t.equal(status, 0, stdout)
  t.ok((resultIn(out).conformance?.tests.length ?? 0) > 50)
  t.end()
})

t.test(
  'kube-proxy and CoreDNS fail what is known of them, and nothing else',
  { skip: skip || cannotRunKubeProxy },
  (t) => {
    const out = join(folder, 'kube-proxy')
    const { status, stdout } = meshmark(
      ...[
        'conform',
        '--target',
        'kube-proxy-coredns',
        '--fast',
        '--profile',
        'DNS',
        '--out',
        out,
        '--seed',
        '1',
      ],
    )
    t.equal(status, 0, stdout)
    t.match(
      resultIn(out).conformance?.tests.find(({ id }) => id === 'DNSP-EDNS-006'),
      {
        status: 'knownIssue',
      },
    )
    t.end()
  },
)

t.test('the reference forwards by itself where nftables is missing', { skip }, (t) => {
  const out = join(folder, 'userspace')
  const rows = ['L4-TCP-00*', 'L4-NOEP-00*', 'L4-UDP-001', 'L4-AFF-001', 'L4-STR-001']
  const { status, stdout } = meshmark(
    ...['conform', '--target-proxy-mode', 'userspace', '--only', rows.join(','), '--out', out],
  )
  t.equal(status, 0, stdout)
  t.end()
})

t.test('wrong words name near ones', (t) => {
  const { status, stderr } = meshmark('conform', '--only', 'DNS-A-01')
  t.equal(status, 2)
  t.match(String(stderr), /DNS-A-01/)
  t.equal(meshmark('conform', '--shard', '4/3').status, 2)
  t.equal(meshmark('conform', '--format', 'xml').status, 2)
  t.end()
})

t.test('a broken harness gives no verdict', { skip }, async (t) => {
  const real = checks.filter(({ requirement }) => ['DNS-A-001', 'L4-TCP-001'].includes(requirement))
  await t.test('a probe that dies', async (t) => {
    const { conformance } = await judge(real, {
      connectProbe: (channel: ProgramChannel) => {
        const probe = connectProbe(channel)
        return {
          ...probe,
          run: async (job, options) => {
            await channel[Symbol.asyncDispose]()
            return probe.run(job, options)
          },
        }
      },
    })
    t.same(
      conformance?.tests.map(({ status }) => status),
      ['error', 'error'],
    )
    t.equal(conformance?.conclusion, 'inconclusive')
  })
  await t.test('backends that die', async (t) => {
    const killing = real
      .filter(({ requirement }) => requirement === 'L4-TCP-001')
      .map((check): Check => ({
        ...check,
        run: async (context) => {
          const [fixture] = check.fixtures ?? []
          if (fixture === undefined) throw new Error('it has no fixture')
          const { kube } = context.cluster
          const pods = await kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, context)
          const namespace = context.fixture(fixture)
          const { items } = await kube.list(pods, { namespace, signal: context.signal })
          for (const { metadata } of items)
            await kube.delete(pods, { namespace, name: metadata.name }, context)
          return check.run(context)
        },
      }))
    const { conformance } = await judge(killing, {})
    t.match(conformance?.tests, [{ status: 'error', reason: /backends of the fixture .* died/ }])
  })
})

async function judge(some: readonly Check[], more: Partial<RunComponents>): Promise<RunResult> {
  const { requirements } = await readCatalogue()
  const target = reference({ packageDirectory: root, version: '0' })
  const directory = mkdtempSync(join(folder, 'broken-'))
  const provider = local({ packageDirectory: root, controlPlane: 'embedded' })
  return run(
    {
      runId: `conform-${process.pid}`,
      topology: conformanceTopology(topologyFor(target), {}),
      conform: {
        requirements: requirements.filter(({ id }) =>
          some.some(({ requirement }) => requirement === id),
        ),
        checks: some,
        catalogue: { version: '1', sha256: '0'.repeat(64), rows: 1 },
        selection: {},
        seed: 1,
        workers: 2,
        repeat: 1,
        failFast: false,
        expectations: [],
        reproduce: (id) => id,
      },
      suite: { name: 'meshmark', version: '0', seed: 1, argv: [] },
      evidenceDirectory: directory,
    },
    { ...conformanceComponents(provider, target, directory, {}), ...more },
    { signal: AbortSignal.timeout(300_000), tell: () => undefined },
  )
}
