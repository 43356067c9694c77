/** TLS ends at the backend, which tells what the handshake brought. The certificate is made by the openssl program. */
import { X509Certificate } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t from 'tap'
import { start } from './testing/start.ts'

const without =
  spawnSync('openssl', ['version']).error !== undefined && 'there is no openssl on this machine'

const main = join(import.meta.dirname, 'main.js')

t.test(
  'tls tells SNI, ALPN and the client certificate, then echoes',
  { skip: without },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'meshmark-tls-'))
    t.teardown(() => {
      rmSync(folder, { recursive: true })
    })
    const [keyFile, certFile] = [join(folder, 'key'), join(folder, 'cert')]
    const made = spawnSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=a.example -keyout ${keyFile} -out ${certFile}`.split(
        ' ',
      ),
    )
    t.equal(made.status, 0, String(made.stderr))
    const [key, cert] = [readFileSync(keyFile, 'utf8'), readFileSync(certFile, 'utf8')]
    const { ports } = await start(t, ['tls'], [], { TLS_CERT: cert, TLS_KEY: key })
    const client = connect({
      host: '127.0.0.1',
      port: ports['tls'] ?? 0,
      servername: 'a.example',
      ca: cert,
      checkServerIdentity: () => undefined,
      ALPNProtocols: ['meshmark/1'],
      cert,
      key,
    })
    t.teardown(() => client.destroy())
    await once(client, 'secureConnect')
    client.write('hello')
    let text = ''
    for await (const piece of client) {
      text += String(piece)
      if (text.endsWith('hello')) break
    }
    t.match(JSON.parse(text.slice(0, text.indexOf('\n'))), {
      pod: 'pod-1',
      servername: 'a.example',
      alpn: 'meshmark/1',
      client: new X509Certificate(cert).fingerprint256,
    })
  },
)

t.test('tls without a certificate is refused in one line', (t) => {
  const wrong = spawnSync(process.execPath, [main, '--tls', '0'], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  })
  t.match(wrong, {
    status: 1,
    stderr: 'backend: --tls: TLS_CERT and TLS_KEY: got nothing, want PEM\n',
  })
  t.end()
})
