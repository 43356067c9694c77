import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../../testing/sources.ts'
import { isTargetFile, loadTarget } from './load.ts'

t.test('a file is told from the name of a target', (t) => {
  for (const file of ['./my-target.ts', '../x.js', '/a/b.mjs', 'my-target.ts'])
    t.ok(isTargetFile(file), file)
  for (const name of ['reference', 'kube-proxy-coredns', 'edgemesh']) t.notOk(isTargetFile(name))
  t.end()
})

t.test('the example is a target, and its types are right', async (t) => {
  const target = await loadTarget(join(root, 'scenarios', 'own-target', 'my-target.ts'), root)
  t.match(target, { id: 'my-mesh', kubeProxy: 'absent', topology: { clusterDns: /./ } })
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  t.doesNotThrow(() =>
    execFileSync(process.execPath, [tsc, '-p', join(root, 'scenarios', 'own-target')], {
      stdio: 'pipe',
    }),
  )
})

t.test('a function may make the target', async (t) => {
  const identity = `{ organization: 'o', project: 'p', url: 'u', version: 'v', contact: [] }`
  const folder = t.testdir({
    'made.ts': `export default async (): Promise<unknown> => ({ id: 'made', identity: ${identity}, features: new Set(), topology: {}, deploy: () => undefined })`,
  })
  t.match(await loadTarget(join(folder, 'made.ts'), root), { id: 'made' })
})

t.test('what is wrong with a file is said in words', async (t) => {
  const folder = t.testdir({
    'syntax.ts': 'export default {',
    'throws.ts': "throw new Error('my own trouble')",
    'nothing.ts': 'export const x = 1',
    'half.ts': "export default { id: 'My Mesh', identity: { project: 'p' }, features: [] }",
    'missing.ts': "import { x } from './not-there.ts'\nexport default x",
    'manifests.ts': `import { daemonSetTarget } from 'meshmark'
export default daemonSetTarget({ id: 'm', identity: { organization: 'o', project: 'p', url: 'u', version: 'v', contact: [] }, manifests: ['/nowhere.yaml'], process: 'm' })`,
  })
  for (const [file, says] of [
    ['none.ts', /there is no such file/],
    ['syntax.ts', /cannot be loaded/],
    ['throws.ts', /cannot be loaded: my own trouble/],
    ['nothing.ts', /default export is no target: got/],
    ['half.ts', /id: got "My Mesh".*identity.organization.*features: want a Set.*deploy/],
    ['missing.ts', /not-there/],
  ] as const)
    await t.rejects(loadTarget(join(folder, file), root), { message: says }, file)
  const target = await loadTarget(join(folder, 'manifests.ts'), root)
  await t.rejects(target.deploy({} as never, { signal: AbortSignal.timeout(1_000) }), {
    message: /nowhere.yaml cannot be read/,
    hint: /import.meta.url/,
  })
})
