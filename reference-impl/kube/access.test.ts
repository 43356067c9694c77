import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { findAccess } from './access.ts'

async function folder(t: { teardown(undo: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'meshmark-access-'))
  t.teardown(async () => rm(path, { recursive: true }))
  return path
}

t.test("a pod's ServiceAccount says who we are, the environment where the API is", async (t) => {
  const account = await folder(t)
  await writeFile(join(account, 'ca.crt'), 'CA')
  await writeFile(join(account, 'token'), 'first\n')
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' }
  const access = await findAccess({}, env, account)
  t.match(access, { server: 'https://[fd00::1]:6443', ca: 'CA', skipVerify: false })
  t.equal(await access.token(), 'first')
  await writeFile(join(account, 'token'), 'second')
  t.equal(await access.token(), 'second', 'kubelets exchange tokens')
  t.equal(
    (await findAccess({ server: 'https://10.0.0.1:6443/' }, env, account)).server,
    'https://10.0.0.1:6443',
  )
  await t.rejects(findAccess({}, {}, account), { name: 'AccessError', message: /--server/ })
})

const kubeconfig = `apiVersion: v1
kind: Config
current-context: there
contexts:
  - name: there
    context: { cluster: c, user: u }
clusters:
  - name: c
    cluster:
      server: https://10.0.0.1:6443
      certificate-authority: ca.crt
users:
  - name: u
    user:
      tokenFile: token
      client-certificate-data: ${Buffer.from('CERT').toString('base64')}
      client-key-data: ${Buffer.from('KEY').toString('base64')}
`

t.test('a kubeconfig is read, with the files that lie beside it', async (t) => {
  const path = await folder(t)
  await writeFile(join(path, 'config'), kubeconfig)
  await writeFile(join(path, 'ca.crt'), 'CA')
  await writeFile(join(path, 'token'), 'abc')
  const access = await findAccess({ kubeconfig: join(path, 'config') }, {})
  t.match(access, {
    server: 'https://10.0.0.1:6443',
    ca: 'CA',
    clientCertificate: 'CERT',
    clientKey: 'KEY',
  })
  t.equal(await access.token(), 'abc')
})

t.test('a kubeconfig that is of no use says why', async (t) => {
  const path = await folder(t)
  const file = join(path, 'config')
  const refused = async (text: string, message: RegExp): Promise<void> => {
    await writeFile(file, text)
    await t.rejects(findAccess({ kubeconfig: file }, {}), { name: 'AccessError', message })
  }
  await t.rejects(findAccess({ kubeconfig: join(path, 'none') }, {}), { message: /cannot be read/ })
  await refused('', /not a kubeconfig/)
  await refused('{"broken', /not a kubeconfig/)
  await refused('a: [', /not a kubeconfig/)
  await refused('current-context: x', /current-context "x" is not among/)
  await refused(kubeconfig.replace('server: https://10.0.0.1:6443', ''), /has no server/)
  await refused(kubeconfig, /ca\.crt cannot be read/)
  await refused(kubeconfig.replace('tokenFile: token', 'exec: { command: aws }'), /plugin/)
})
