import { X509Certificate } from 'node:crypto'
import { connect, type TLSSocket } from 'node:tls'
import {
  type Check,
  type CheckContext,
  type Fixture,
  patternBytes,
  ProbeError,
} from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { duplexOf } from '../support/stream-duplex.ts'
import { clientCredentials, serverCredentials, serverName } from './tls.credentials.ts'

const tlsPort = 8443

/** How long a handshake and an echo may take. */
const conversationMs = 8_000

const sentBytes = 20_000

/** One backend that ends TLS itself, behind a port `https-0`. */
const secure: Fixture = {
  id: 'l7-tls',
  manifests: ({ backendImage, nodes }) => [
    backendPod({
      name: 'secure',
      image: backendImage,
      node: nodes[1]?.name ?? nodes[0]?.name ?? '',
      args: ['--tls', String(tlsPort)],
      env: { TLS_CERT: serverCredentials.cert, TLS_KEY: serverCredentials.key },
    }),
    service('secure', [{ name: 'https-0', port: 443, targetPort: tlsPort }]),
  ],
}

/** What both ends of a TLS connection found out. */
interface Conversation {
  /** The certificate that the client saw, SHA-256. */
  readonly server: string
  readonly alpn: string
  /** What the backend tells: SNI, ALPN, certificate of the client. */
  readonly told: string
  /** Everything that was sent came back. */
  readonly isEchoed: boolean
}

export const tls: readonly Check[] = [
  {
    requirement: 'L7-TRN-017',
    sends: `a TLS handshake with SNI, ALPN and a client's certificate, then ${sentBytes} bytes, to a port https-0`,
    expects:
      "the backend sees all three, the client sees the backend's certificate, the bytes come back",
    fixtures: [secure],
    run: async (context) => {
      const judgement = new Judgement()
      const host = await clusterIpOf(context, context.fixture(secure), 'secure')
      const { seen } = await eventually(
        () => converse(context, host).catch(whyNot),
        (one) => typeof one !== 'string',
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      if (typeof seen === 'string') {
        judgement.holds('the handshake', 'completes', seen, false)
        return judgement.assessment('')
      }
      const wanted = { servername: serverName, alpn: 'meshmark/1' }
      const client = fingerprint(clientCredentials.cert)
      judgement.equal("the backend's certificate", fingerprint(serverCredentials.cert), seen.server)
      judgement.equal('ALPN at the client', 'meshmark/1', seen.alpn)
      const told = JSON.parse(seen.told) as Readonly<Record<string, unknown>>
      const { servername, alpn } = told
      judgement.equal('SNI and ALPN at the backend', wanted, { servername, alpn })
      judgement.equal("the client's certificate at the backend", client, told['client'])
      judgement.holds('the bytes', 'come back', seen.isEchoed ? 'they do' : 'not', seen.isEchoed)
      return judgement.assessment(`${serverName}, meshmark/1, both certificates end to end`)
    },
  },
]

/** @throws ProbeError when it was the harness, not the target */
function whyNot(error: unknown): string {
  if (error instanceof ProbeError) throw error
  return error instanceof Error ? error.message : String(error)
}

function fingerprint(pem: string): string {
  return new X509Certificate(pem).fingerprint256
}

/** @throws Error when the connection or the handshake fails */
async function converse(context: CheckContext, host: string): Promise<Conversation> {
  const probe = await context.probe(inPod(context))
  const stream = await probe.stream({ host, port: 443, timeoutMs: 5_000 }, context)
  const { opened } = stream
  if (opened.kind !== 'opened') {
    await stream[Symbol.asyncDispose]()
    throw new Error(`${opened.kind}: ${opened.detail}`)
  }
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(conversationMs)])
  const duplex = duplexOf(stream, context)
  const secured = connect({
    socket: duplex,
    servername: serverName,
    ca: serverCredentials.cert,
    ALPNProtocols: ['meshmark/1'],
    ...clientCredentials,
  })
  try {
    return await told(secured, signal)
  } finally {
    secured.destroy()
    duplex.destroy()
    await stream[Symbol.asyncDispose]()
  }
}

function told(secured: TLSSocket, signal: AbortSignal): Promise<Conversation> {
  const bytes = Buffer.from(patternBytes(0, sentBytes))
  let received: Buffer = Buffer.alloc(0)
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error(`no end of the conversation: ${received.length} bytes came`))
    })
    secured.on('error', reject)
    secured.on('close', () => {
      reject(new Error('the connection closed'))
    })
    secured.once('secureConnect', () => secured.write(bytes))
    secured.on('data', (piece: Buffer) => {
      received = Buffer.concat([received, piece])
      const lineEnd = received.indexOf('\n')
      if (lineEnd === -1 || received.length < lineEnd + 1 + sentBytes) return
      resolve({
        server: secured.getPeerCertificate().fingerprint256,
        alpn: String(secured.alpnProtocol),
        told: received.toString('utf8', 0, lineEnd),
        isEchoed: received.subarray(lineEnd + 1).equals(bytes),
      })
    })
  })
}
