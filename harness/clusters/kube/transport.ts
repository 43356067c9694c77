import { Agent, request, type RequestOptions } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { KubeError } from '../../model/errors.ts'

export interface TransportInit {
  /** `https://127.0.0.1:6443` */
  readonly server: string
  /** Connect to this unix socket instead of the server's host and port; TLS still names the server. */
  readonly socketPath?: string
  /** PEM of the authority that signed the server's certificate; the system's ones when absent. */
  readonly ca?: string
  readonly token?: string
  /** Who asks: the part before the slash becomes the manager of the fields that it writes. */
  readonly userAgent?: string
  /** PEM of a client certificate and its key, for kubeconfigs that have no token. */
  readonly clientCertificate?: { readonly certificate: string; readonly key: string }
}

export interface Call {
  readonly method: string
  readonly path: string
  readonly body?: string
  readonly contentType?: string
  readonly accept?: string
  readonly signal: AbortSignal
}

/** Sends requests to one API server over kept-alive TLS connections. */
export interface Transport {
  /** Resolves with the head of the answer; the caller reads or destroys the body. */
  open(call: Call): Promise<IncomingMessage>
  close(): void
}

export function transport(init: TransportInit): Transport {
  const url = new URL(init.server)
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
  const common: RequestOptions = {
    agent,
    host: url.hostname,
    port: url.port === '' ? 443 : Number(url.port),
    ...(init.socketPath !== undefined && { socketPath: init.socketPath, servername: 'kubernetes' }),
    ...(init.ca !== undefined && { ca: init.ca }),
    ...(init.clientCertificate !== undefined && {
      cert: init.clientCertificate.certificate,
      key: init.clientCertificate.key,
    }),
  }
  const open: Transport['open'] = ({ method, path, body, contentType, accept, signal }) =>
    new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = {
        accept: accept ?? 'application/json',
        'user-agent': init.userAgent ?? 'meshmark',
      }
      if (init.token !== undefined) headers['authorization'] = `Bearer ${init.token}`
      if (body !== undefined) {
        headers['content-type'] = contentType ?? 'application/json'
        headers['content-length'] = Buffer.byteLength(body)
      }
      const sent = request(
        { ...common, method, path: basePath(url) + path, headers, signal },
        resolve,
      )
      sent.on('error', (error) => {
        reject(signal.aborted ? error : unreachable(init.server, error))
      })
      sent.end(body)
    })
  return {
    open,
    close: () => {
      agent.destroy()
    },
  }
}

/** Reads a body to its end, as UTF-8. */
export async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function basePath(url: URL): string {
  return url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '')
}

function unreachable(server: string, cause: Error): KubeError {
  return new KubeError(
    0,
    'Unreachable',
    `the API at ${server} cannot be reached: ${cause.message}`,
    {
      cause,
    },
  )
}
