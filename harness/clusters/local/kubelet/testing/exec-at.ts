import { readFileSync } from 'node:fs'
import { WebSocket } from 'ws'
import { parse } from 'yaml'

export interface ExecResult {
  readonly stdout: string
  readonly stderr: string
  /** What the server said in the end: a Kubernetes Status. */
  readonly status: {
    readonly status?: string
    readonly message?: string
    readonly details?: { readonly causes: readonly { readonly message: string }[] }
  }
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string }
  }[]
  readonly users: readonly { readonly user: { readonly token: string } }[]
}

/** `kubectl exec` without kubectl: Kubernetes' channel protocol v5 over a WebSocket. */
export function execAt(
  kubeconfig: string,
  path: string,
  words: readonly string[],
  { stdin }: { readonly stdin?: string },
): Promise<ExecResult> {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig
  const [cluster] = clusters
  const [user] = users
  const query = new URLSearchParams({ stdout: '1', stderr: '1' })
  if (stdin !== undefined) query.set('stdin', '1')
  for (const word of words) query.append('command', word)
  const url = `${cluster?.cluster.server ?? ''}${path}?${query.toString()}`
  const socket = new WebSocket(url.replace('https', 'wss'), 'v5.channel.k8s.io', {
    ca: Buffer.from(cluster?.cluster['certificate-authority-data'] ?? '', 'base64'),
    headers: { authorization: `Bearer ${user?.user.token ?? ''}` },
  })
  const streams: Record<number, string> = { 1: '', 2: '', 3: '' }
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () => {
      if (stdin === undefined) return
      socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(stdin)]))
      socket.send(Buffer.from([255, 0]))
    })
    socket.on('message', (data: Buffer) => {
      const [channel = 0] = data
      streams[channel] = (streams[channel] ?? '') + data.subarray(1).toString()
    })
    socket.on('close', () => {
      resolve({
        stdout: streams[1] ?? '',
        stderr: streams[2] ?? '',
        status: JSON.parse(streams[3] === '' ? '{}' : (streams[3] ?? '{}')) as ExecResult['status'],
      })
    })
  })
}
