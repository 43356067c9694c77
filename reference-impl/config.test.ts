import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ConfigError, helpText, readConfig, type Config } from './config.ts'
import { version } from './version.ts'

function config(args: readonly string[], env: NodeJS.ProcessEnv = {}): Config {
  const invocation = readConfig(args, env)
  if (invocation.kind !== 'run' && invocation.kind !== 'cleanup') throw new Error(invocation.kind)
  return invocation.config
}

function problems(args: readonly string[], env: NodeJS.ProcessEnv = {}): readonly string[] {
  try {
    config(args, env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

t.test('nothing has to be set', async (t) => {
  t.match(config([]), {
    clusterDomain: 'cluster.local',
    dnsAddress: '169.254.96.16',
    dnsPort: 53,
    adminAddress: { address: '127.0.0.1', port: 10_354 },
    cleanupOnExit: 'auto',
  })
})

t.test('flags come before the environment, that before the file', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-config-'))
  t.teardown(async () => rm(directory, { recursive: true }))
  const file = join(directory, 'agent.json')
  await writeFile(
    file,
    JSON.stringify({ 'dns-ttl': 1, 'dns-port': 5301, 'cluster-domain': 'file.test' }),
  )
  const env = {
    MESHMARK_CONFIG: file,
    MESHMARK_DNS_TTL: '2',
    CLUSTER_DOMAIN: 'env.test',
    KUBECONFIG: '',
  }
  t.match(config(['--dns-ttl', '3'], env), { dnsTtl: 3, dnsPort: 5301, clusterDomain: 'env.test' })
  t.match(config(['--cluster-domain=flag.test'], env), { dnsTtl: 2, clusterDomain: 'flag.test' })
  t.match(config([], { ...env, MESHMARK_CLUSTER_DOMAIN: 'own.test' }), {
    clusterDomain: 'own.test',
  })
  t.equal(config([], env).kubeconfig, undefined, 'an empty variable is none')
})

t.test('values of each kind', async (t) => {
  const found = config([
    '--upstream=192.0.2.1,[fd00::1]:5353,192.0.2.2:54,fd00::2',
    '--admin-address=[::1]:9000',
    '--owner=kube-system/agent',
    '--drain-timeout=2.5s',
    '--manage-address=false',
    '--cluster-domain=Edge.Test.',
  ])
  t.match(found, {
    upstream: [
      { address: '192.0.2.1', port: 53 },
      { address: 'fd00::1', port: 5353 },
      { address: '192.0.2.2', port: 54 },
      { address: 'fd00::2', port: 53 },
    ],
    adminAddress: { address: '::1', port: 9000 },
    owner: { namespace: 'kube-system', name: 'agent' },
    drainTimeout: 2.5,
    manageAddress: false,
    clusterDomain: 'edge.test',
  })
})

t.test('every problem is told at once, with the key, the value and the rule', async (t) => {
  t.same(
    problems(['--dns-port=0', '--wat', '--proxy-mode', 'ipvs', '--owner=x'], {
      MESHMARK_DNS_TTL: '-1',
    }).toSorted(),
    [
      '--dns-port: got "0", want a whole number from 1 to 65535',
      '--owner: got "x", want NAMESPACE/NAME',
      '--proxy-mode: got "ipvs", want nftables, userspace, off',
      'MESHMARK_DNS_TTL: got "-1", want a whole number from 0 to 3600',
      'unknown flag --wat; --help lists them',
    ],
  )
  for (const args of [
    ['--dns-address=ten'],
    ['--server=10.0.0.1'],
    ['--upstream=a,b'],
    ['--upstream=1.2.3.4:99999'],
    ['--admin-address=127.0.0.1'],
    ['--cluster-domain=a..b'],
    ['--cluster-domain=-a'],
    [`--cluster-domain=${'x.'.repeat(100)}x`],
    ['--drain-timeout=soon'],
    ['--dns-ttl'],
    ['--config=/nowhere.json'],
    ['serve'],
    ['cleanup', 'now'],
  ])
    t.equal(problems(args).length, 1, args.join(' '))
})

t.test('a configuration file that is none is told apart from one with wrong keys', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-config-'))
  t.teardown(async () => rm(directory, { recursive: true }))
  const file = join(directory, 'agent.json')
  const said = async (text: string): Promise<string> => {
    await writeFile(file, text)
    return problems([`--config=${file}`]).join(' | ')
  }
  t.match(await said('{'), /not a readable JSON file/)
  t.match(await said('[]'), /one JSON object/)
  t.match(
    await said('{"dnsPort": 5, "dns-port": {}}'),
    /unknown key "dnsPort".*want text, a number/,
  )
  t.match(await said('{"dns-port": "x"}'), /dns-port in the configuration file: got "x"/)
})

t.test('help names every flag once, version is the package version', async (t) => {
  t.equal(readConfig(['--help', '--wat'], {}).kind, 'help')
  t.equal(readConfig(['--version'], {}).kind, 'version')
  t.equal(readConfig(['cleanup'], {}).kind, 'cleanup')
  const flags = [...helpText().matchAll(/^ {2}(--[a-z-]+) /gm)].map(([, flag]) => flag)
  t.equal(new Set(flags).size, flags.length)
  t.ok(flags.includes('--node-resolv-conf'))
  const path = join(import.meta.dirname, '..', '..', 'package.json')
  t.equal((JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version, version)
})
