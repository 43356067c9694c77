import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stringify } from 'yaml'
import { readKubeconfig } from './read-kubeconfig.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

function config(cluster: object = {}, user: object = { token: 'secret' }): object {
  return {
    'current-context': 'here',
    contexts: [
      { name: 'here', context: { cluster: 'c', user: 'u' } },
      { name: 'lost', context: { cluster: 'nowhere', user: 'u' } },
    ],
    clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443', ...cluster } }],
    users: [{ name: 'u', user }],
  }
}

const folder = t.testdir({ 'ca.crt': 'CA', 'tls.crt': 'CERT', 'tls.key': 'KEY', token: 'abc\n' })

function written(content: object | string): string {
  const file = join(folder, 'config')
  writeFileSync(file, typeof content === 'string' ? content : stringify(content))
  return file
}

t.test('inline data and files beside the kubeconfig are read', (t) => {
  t.same(readKubeconfig(written(config({ 'certificate-authority-data': base64('CA') }))), {
    context: 'here',
    server: 'https://10.0.0.1:6443',
    ca: 'CA',
    token: 'secret',
  })
  const inline = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') }
  const files = { 'client-certificate': 'tls.crt', 'client-key': './tls.key' }
  for (const user of [inline, files])
    t.match(readKubeconfig(written(config({ 'certificate-authority': 'ca.crt' }, user))), {
      ca: 'CA',
      clientCertificate: { certificate: 'CERT', key: 'KEY' },
    })
  t.match(readKubeconfig(written(config({}, { tokenFile: 'token' }))), { token: 'abc' })
  t.end()
})

t.test('what leads nowhere is refused with the value and the cure', (t) => {
  const refused = (content: object | string, message: RegExp, hint: RegExp, context?: string) => {
    t.throws(() => readKubeconfig(written(content), context), {
      name: 'ClusterError',
      code: 'access-denied',
      message,
      hint,
    })
  }
  t.throws(() => readKubeconfig(join(folder, 'none')), { message: /none cannot be read: ENOENT/ })
  refused('a: [', /is not YAML/, /name a kubeconfig/)
  refused('just words', /is not a kubeconfig/, /name a kubeconfig/)
  refused({ contexts: [{ name: 'one' }] }, /no current context/, /name one of: one/)
  refused(config(), /no context "there"/, /it has: here, lost/, 'there')
  refused(config(), /no cluster "nowhere"/, /it has: c/, 'lost')
  refused(config({ server: 'http://x' }), /server "http:\/\/x", want https/, /set its server/)
  refused(config({}, { 'client-key': 'tls.key' }), /key without its certificate/, /both/)
  refused(config({}, { tokenFile: 'nothing' }), /nothing, which cannot be read/, /path or its/)
  refused(config({}, { exec: {} }), /exec is not supported/, /create token/)
  refused(config({ 'insecure-skip-tls-verify': true }), /skip-tls-verify is not/, /token/)
  t.end()
})
