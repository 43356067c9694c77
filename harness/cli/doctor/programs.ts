import { execute, which } from './execute.ts'
import type { Finding, Look } from './finding.ts'
import { installHint } from './packages.ts'

interface Program {
  readonly name: string
  readonly version: readonly string[]
  readonly costs: string
  readonly required: boolean
  /** Debian's package; absent for programs that no package manager brings. */
  readonly packageOf?: string
  readonly cure?: string
}

const programs: readonly Program[] = [
  {
    name: 'ip',
    version: ['-V'],
    costs: 'provider local builds its networks with it',
    required: true,
    packageOf: 'iproute2',
  },
  {
    name: 'nft',
    version: ['--version'],
    costs: 'provider local and the reference data plane write their rules with it',
    required: true,
    packageOf: 'nftables',
  },
  {
    name: 'unshare',
    version: ['--version'],
    costs: 'provider local makes its namespaces with it',
    required: true,
    packageOf: 'util-linux',
  },
  {
    name: 'nsenter',
    version: ['--version'],
    costs: 'provider local enters its namespaces with it',
    required: true,
    packageOf: 'util-linux',
  },
  {
    name: 'nginx',
    version: ['-v'],
    costs: 'the sample application of provider local: no walkthrough, no benchmark',
    required: true,
    packageOf: 'nginx',
  },
  {
    name: 'tc',
    version: ['-V'],
    costs: 'links of provider local cannot be made slower',
    required: false,
    packageOf: 'iproute2',
  },
  {
    name: 'curl',
    version: ['--version'],
    costs: 'the tutorial cannot be typed by hand on the nodes',
    required: false,
    packageOf: 'curl',
  },
  {
    name: 'kubectl',
    version: ['version', '--client'],
    costs: 'clusters cannot be looked into by hand; tests that type kubectl are skipped',
    required: false,
    cure: 'see https://kubernetes.io/docs/tasks/tools/',
  },
  {
    name: 'kind',
    version: ['version'],
    costs: 'provider kind',
    required: false,
    cure: 'see https://kind.sigs.k8s.io/docs/user/quick-start/',
  },
  {
    name: 'k3d',
    version: ['version'],
    costs: 'provider k3d',
    required: false,
    cure: 'see https://k3d.io/',
  },
  {
    name: 'k6',
    version: ['version'],
    costs: '--second-opinion: k6 beside our own load generator',
    required: false,
    cure: 'see https://grafana.com/docs/k6/latest/set-up/install-k6/',
  },
]

/** One look per program: is it here, does it start, which version is it. */
export const programLooks: readonly Look[] = programs.map((program) => () => lookAt(program))

async function lookAt(program: Program): Promise<Finding> {
  const { name, costs, required, packageOf } = program
  const common = { id: name, required, ...(packageOf !== undefined && { packageOf }) }
  const cure = packageOf === undefined ? (program.cure ?? '') : installHint(packageOf)
  const path = which(name)
  if (path === undefined) return { ...common, state: 'missing', detail: 'not on PATH', costs, cure }
  const { code, stdout, stderr } = await execute(path, program.version)
  const [firstLine = ''] = `${stdout}\n${stderr}`.trim().split('\n')
  if (code !== 0)
    return { ...common, state: 'broken', detail: `${path}: ${firstLine}`, costs, cure }
  return { ...common, state: 'ok', detail: `${firstLine.trim()} (${path})` }
}
