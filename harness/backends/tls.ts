import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { BackendContext } from './context.ts'

/** Application protocols that are agreed to (ALPN, RFC 7301). */
const applicationProtocols = ['meshmark/2', 'meshmark/1']

/**
 * The certificate and key of TLS_CERT and TLS_KEY, in PEM.
 * @throws Error when one is missing, or is none
 */
export function secureContextFrom(env: NodeJS.ProcessEnv): SecureContext {
  const { TLS_CERT: cert, TLS_KEY: key } = env
  if (cert === undefined || key === undefined)
    throw new Error('--tls: TLS_CERT and TLS_KEY: got nothing, want PEM')
  return createSecureContext({ cert, key })
}

/**
 * Ends TLS here, asks for a certificate of the client and takes any. Tells in one line of JSON what the handshake
 * brought (`servername`, `alpn`, SHA-256 of the client's certificate), then echoes.
 */
export function serveTls(
  socket: Socket,
  secureContext: SecureContext,
  { identity }: BackendContext,
): void {
  const secured = new TLSSocket(socket, {
    isServer: true,
    secureContext,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: applicationProtocols,
  })
  secured.on('error', () => socket.destroy())
  secured.once('secure', () => {
    const { fingerprint256: client } = secured.getPeerCertificate()
    const told = {
      pod: identity.pod,
      servername: servernameOf(secured),
      alpn: secured.alpnProtocol,
      client: client ?? null,
    }
    secured.write(`${JSON.stringify(told)}\n`)
    secured.pipe(secured)
  })
}

/** What the client said it wants (SNI, RFC 6066); Node.js tells it of a server's socket, too. */
function servernameOf(secured: TLSSocket): string | null {
  const { servername } = secured as { readonly servername?: string | false }
  return typeof servername === 'string' ? servername : null
}
