import { request } from 'node:http'
import type { AbortOptions } from '../../model/abort.ts'
import type { ApiFault } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'

/** Makes the API server misbehave through its fault door; disposing heals it. */
export async function injectApiFault(
  socketPath: string,
  fault: ApiFault,
  { signal }: AbortOptions,
): Promise<AsyncDisposable> {
  signal.throwIfAborted()
  const { id } = JSON.parse(await call(socketPath, 'POST', '/faults', fault)) as { id: string }
  return {
    [Symbol.asyncDispose]: async () => {
      await call(socketPath, 'DELETE', `/faults/${id}`)
    },
  }
}

function call(socketPath: string, method: string, path: string, body?: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath, method, path, headers: { 'content-type': 'application/json' } },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => (text += chunk))
        answer.on('end', () => {
          if ((answer.statusCode ?? 500) < 300) resolve(text)
          else
            reject(
              new ClusterError(
                'fault-failed',
                `${method} ${path}: HTTP ${String(answer.statusCode)}: ${text}`,
              ),
            )
        })
      },
    )
    sent.on('error', (cause) => {
      reject(
        new ClusterError('fault-failed', `the API server's fault door: ${cause.message}`, {
          cause,
        }),
      )
    })
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
