import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificate } from './certificate.ts'

/** Keys and certificates of the control plane, all ECDSA P-256. */
export interface Pki {
  /** PEM of the authority that signed the server's certificate. */
  readonly ca: string
  readonly serverCertificate: string
  readonly serverKey: string
  /** Signs ServiceAccount tokens. */
  readonly serviceAccountKey: KeyObject
}

export interface PkiInit {
  /** Holds ca.crt, server.crt, server.key and sa.key; made when there is no ca.crt in it. */
  readonly directory: string
  /** DNS names and IPv4 addresses of the server. */
  readonly names: readonly string[]
}

const dayMs = 86_400_000

/** Reads the keys of the folder, or makes and writes them (keys with mode 0600). */
export function loadPki(init: PkiInit): Pki {
  const at = (file: string) => join(init.directory, file)
  if (!existsSync(at('ca.crt'))) makePki(init)
  const read = (file: string) => readFileSync(at(file), 'utf8')
  return {
    ca: read('ca.crt'),
    serverCertificate: read('server.crt'),
    serverKey: read('server.key'),
    serviceAccountKey: createPrivateKey(read('sa.key')),
  }
}

function makePki(init: PkiInit): void {
  const [authority, server, serviceAccount] = [keyPair(), keyPair(), keyPair()]
  const issuer = { commonName: 'kubernetes', privateKey: authority.privateKey }
  const validity = {
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 365 * dayMs),
  }
  const authorityCertificate = certificate({
    commonName: 'kubernetes',
    publicKey: authority.publicKey,
    issuer,
    isAuthority: true,
    ...validity,
  })
  const serverCertificate = certificate({
    commonName: 'kube-apiserver',
    publicKey: server.publicKey,
    issuer,
    isAuthority: false,
    names: init.names,
    ...validity,
  })
  mkdirSync(init.directory, { recursive: true, mode: 0o700 })
  const write = (file: string, content: string, mode: number) => {
    writeFileSync(join(init.directory, file), content, { mode })
  }
  write('server.crt', serverCertificate, 0o644)
  write('server.key', exportKey(server.privateKey), 0o600)
  write('sa.key', exportKey(serviceAccount.privateKey), 0o600)
  write('ca.key', exportKey(authority.privateKey), 0o600)
  write('ca.crt', authorityCertificate, 0o644)
}

function keyPair(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function exportKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}
