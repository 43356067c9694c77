import { X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadPki } from './pki.ts'

await t.test('the authority signs a certificate that is good for every name', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-pki-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const names = ['localhost', 'kubernetes.default.svc', '127.0.0.1', '10.96.0.1']
  const pki = loadPki({ directory: join(directory, 'pki'), names })
  const [authority, server] = [
    new X509Certificate(pki.ca),
    new X509Certificate(pki.serverCertificate),
  ]
  t.ok(authority.ca)
  t.notOk(server.ca)
  t.ok(server.verify(authority.publicKey))
  t.ok(server.checkIssued(authority))
  for (const name of ['localhost', 'kubernetes.default.svc']) t.ok(server.checkHost(name), name)
  for (const address of ['127.0.0.1', '10.96.0.1']) t.ok(server.checkIP(address), address)
  t.notOk(server.checkHost('example.org'))
  t.ok(Date.parse(server.validFrom) < Date.now() && Date.parse(server.validTo) > Date.now())
})

await t.test('keys are private, and the same ones are read again', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-pki-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const first = loadPki({ directory, names: ['localhost'] })
  const again = loadPki({ directory, names: ['other'] })
  t.equal(again.ca, first.ca)
  t.equal(again.serverKey, first.serverKey)
  for (const file of await readdir(directory)) {
    const { mode } = await stat(join(directory, file))
    if (file.endsWith('.key')) t.equal(mode & 0o777, 0o600, file)
  }
})
