import { createHash, createPublicKey, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import {
  bitString,
  boolean,
  context,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts'

export interface CertificateInit {
  readonly commonName: string
  readonly publicKey: KeyObject
  readonly issuer: { readonly commonName: string; readonly privateKey: KeyObject }
  readonly isAuthority: boolean
  /** DNS names and IPv4 addresses the certificate is good for. */
  readonly names?: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
}

const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'))

/**
 * A signed X.509 v3 certificate (RFC 5280) in PEM. Written out here because the libraries that do it take longer to
 * load than the whole control plane may take to start.
 */
export function certificate(init: CertificateInit): string {
  const publicKeyInfo = init.publicKey.export({ type: 'spki', format: 'der' })
  const body = sequence(
    context(0, integer(Buffer.of(2)), true),
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ecdsaWithSha256,
    distinguishedName(init.issuer.commonName),
    sequence(time(init.notBefore), time(init.notAfter)),
    distinguishedName(init.commonName),
    publicKeyInfo,
    context(3, sequence(...extensions(init, publicKeyInfo)), true),
  )
  const signature = sign('sha256', body, init.issuer.privateKey)
  return pem('CERTIFICATE', sequence(body, ecdsaWithSha256, bitString(signature)))
}

function extensions(init: CertificateInit, publicKeyInfo: Buffer): Buffer[] {
  const issuerKeyInfo = createPublicKey(init.issuer.privateKey).export({
    type: 'spki',
    format: 'der',
  })
  const shared = [
    extension('2.5.29.19', true, sequence(...(init.isAuthority ? [boolean(true)] : []))),
    extension('2.5.29.14', false, octetString(keyIdentifier(publicKeyInfo))),
    extension('2.5.29.35', false, sequence(context(0, keyIdentifier(issuerKeyInfo), false))),
  ]
  if (init.isAuthority) {
    const keyCertSignAndCrlSign = bitString(Buffer.of(0b0000_0110), 1)
    return [...shared, extension('2.5.29.15', true, keyCertSignAndCrlSign)]
  }
  const digitalSignature = bitString(Buffer.of(0b1000_0000), 7)
  const serverAuth = sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))
  const names = sequence(...(init.names ?? []).map(generalName))
  return [
    ...shared,
    extension('2.5.29.15', true, digitalSignature),
    extension('2.5.29.37', false, serverAuth),
    extension('2.5.29.17', false, names),
  ]
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octetString(value))
}

function generalName(name: string): Buffer {
  return isIP(name) === 4
    ? context(7, Buffer.from(name.split('.').map(Number)), false)
    : context(2, Buffer.from(name, 'latin1'), false)
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String(commonName))))
}

function keyIdentifier(publicKeyInfo: Buffer): Buffer {
  return createHash('sha256').update(publicKeyInfo).digest().subarray(0, 20)
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').replace(/(.{64})(?=.)/g, '$1\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}
