import { type ChildProcess, spawn } from 'node:child_process'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { serverNames } from '../apiserver/server-names.ts'
import { loadPki } from '../apiserver/pki/pki.ts'
import type { ControlPlanePrograms } from './programs.ts'

/** How long etcd and kube-apiserver may take until `/readyz` says ok. */
const readyMs = 60_000

/** What the real control plane is told; the same words as the embedded one's. */
export interface RealApiServerInit {
  readonly programs: ControlPlanePrograms
  readonly listen: { readonly host: string; readonly port: number }
  readonly socket: string
  readonly pkiDir: string
  readonly tokensFile: string
  readonly serviceCidr: string
  readonly clusterDomain: string
  readonly nodePortRange: readonly [number, number]
  readonly masterAddress: string
  readonly log: (line: string) => void
  /** Told when one of the two programs ends by itself. */
  readonly onExit: (message: string) => void
}

export interface RealApiServer {
  /** PEM of the authority that signed its certificate. */
  readonly ca: string
  close(): Promise<void>
}

/**
 * Starts the real kube-apiserver over an etcd of its own and resolves when it is ready. The socket beside its port
 * carries the same bytes: TLS is end to end.
 * @throws Error with the last lines of the program that did not come up
 */
export async function startRealApiServer(init: RealApiServerInit): Promise<RealApiServer> {
  const pki = loadPki({ directory: init.pkiDir, names: serverNames(init) })
  const data = join(dirname(init.pkiDir), 'etcd')
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const tokens = join(dirname(init.pkiDir), 'tokens.csv')
  writeFileSync(tokens, tokenTable(init.tokensFile), { mode: 0o600 })
  writeFileSync(join(init.pkiDir, 'sa.pub'), publicPem(pki.serviceAccountKey))
  const etcd = launch(init.programs.etcd, etcdArguments(data), init)
  const api = launch(init.programs.kubeApiserver, apiArguments(init, tokens), init)
  try {
    await Promise.race([isReady(init, pki.ca, adminOf(init.tokensFile)), etcd.failed, api.failed])
  } catch (error) {
    await Promise.all([api.stop(), etcd.stop()])
    throw error
  }
  const door = await pipeSocket(init.socket, init.listen.port)
  return {
    ca: pki.ca,
    close: async () => {
      door.close()
      await api.stop()
      await etcd.stop()
    },
  }
}

const etcdUrl = 'http://127.0.0.1:2379'

function etcdArguments(data: string): readonly string[] {
  return [
    `--data-dir=${data}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    '--listen-peer-urls=http://127.0.0.1:2380',
    // why: the cluster lives as long as this machine is up; waiting for a disk would only slow it down
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
}

function apiArguments(init: RealApiServerInit, tokens: string): readonly string[] {
  const pki = (file: string): string => join(init.pkiDir, file)
  const [least, most] = init.nodePortRange
  return [
    `--etcd-servers=${etcdUrl}`,
    `--bind-address=${init.listen.host}`,
    `--secure-port=${init.listen.port}`,
    `--advertise-address=${init.masterAddress}`,
    `--tls-cert-file=${pki('server.crt')}`,
    `--tls-private-key-file=${pki('server.key')}`,
    `--token-auth-file=${tokens}`,
    '--authorization-mode=AlwaysAllow',
    '--anonymous-auth=false',
    `--service-account-issuer=https://kubernetes.default.svc.${init.clusterDomain}`,
    `--service-account-key-file=${pki('sa.pub')}`,
    `--service-account-signing-key-file=${pki('sa.key')}`,
    `--service-cluster-ip-range=${init.serviceCidr}`,
    `--service-node-port-range=${least}-${most}`,
    `--cert-dir=${join(dirname(init.pkiDir), 'apiserver')}`,
    '--allow-privileged=true',
    '--enable-priority-and-fairness=false',
    '--watch-cache=true',
  ]
}

/** kube-apiserver does not take the public half out of a PKCS #8 key. */
function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
}

interface TokenEntry {
  readonly token: string
  readonly user: string
  readonly groups?: readonly string[]
}

function readTokens(file: string): readonly TokenEntry[] {
  return JSON.parse(readFileSync(file, 'utf8')) as readonly TokenEntry[]
}

/** kube-apiserver's static token file: token, user, uid and the quoted groups, one line each. */
function tokenTable(file: string): string {
  return readTokens(file)
    .map(({ token, user, groups = [] }) => `${token},${user},${user},"${groups.join(',')}"\n`)
    .join('')
}

function adminOf(file: string): string {
  return readTokens(file).find(({ groups }) => groups?.includes('system:masters'))?.token ?? ''
}

interface Launched {
  /** Rejects when the program ends by itself. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

/** Longest tail of what a program said that an error quotes. */
const quotedCharacters = 2_048

function launch(
  program: string,
  argv: readonly string[],
  { log, onExit }: Pick<RealApiServerInit, 'log' | 'onExit'>,
): Launched {
  const child: ChildProcess = spawn(program, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  let isWanted = true
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-quotedCharacters)
    log(text.trimEnd())
  })
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      resolve(`${program} cannot be started: ${error.message}`)
    })
    child.once('close', (code, signal) => {
      resolve(`${program} ended (${signal ?? `exit code ${String(code)}`}); it last said:\n${said}`)
    })
  })
  const failed = gone.then((message) => {
    if (isWanted) onExit(message)
    throw new Error(message)
  })
  failed.catch(() => undefined)
  return {
    failed,
    stop: async () => {
      isWanted = false
      child.kill('SIGTERM')
      await gone
    },
  }
}

async function isReady({ listen }: RealApiServerInit, ca: string, token: string): Promise<void> {
  const deadline = performance.now() + readyMs
  while (!(await answersReady(listen.port, ca, token))) {
    if (performance.now() > deadline)
      throw new Error(`kube-apiserver is not ready after ${readyMs / 1_000} s`)
    await delay(50)
  }
}

function answersReady(port: number, ca: string, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` }
    const call = request(
      { host: '127.0.0.1', port, path: '/readyz', ca, headers, timeout: 2_000 },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode === 200)
      },
    )
    call.on('timeout', () => call.destroy())
    call.on('error', () => {
      resolve(false)
    })
    call.end()
  })
}

/** A unix socket whose connections go on to a port of this node, byte for byte. */
async function pipeSocket(path: string, port: number): Promise<Server> {
  rmSync(path, { force: true })
  const server = createServer((client) => {
    splice(client, connect(port, '127.0.0.1'))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return server
}

function splice(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to)
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
  }
}
