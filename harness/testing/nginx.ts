import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real nginx on a port of 127.0.0.1, for tests. */
export interface TestNginx extends AsyncDisposable {
  readonly port: number
}

/** Why there is no nginx to test with, as a reason to skip; false when there is one. */
export function cannotRunNginx(): string | false {
  return spawnSync('nginx', ['-v']).status === 0 ? false : 'no nginx here'
}

/** Starts nginx with one server; `locations` is the inside of its block. */
export async function startNginx(locations: string): Promise<TestNginx> {
  const folder = mkdtempSync(join(tmpdir(), 'nginx-test-'))
  const port = await freePort()
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;
events { worker_connections 512; }
http {
  access_log off; keepalive_requests 1000000;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; ${locations} }
}
`,
  )
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: 'ignore',
  })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  await listening(port)
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A port that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  })
}

/** Waits until somebody listens on a port of 127.0.0.1, for at most ten seconds. */
export async function listening(port: number): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await accepts(port)))
    if (performance.now() > deadline) throw new Error(`nobody listens on ${port}`)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      setTimeout(resolve, 10, false)
    })
  })
}
