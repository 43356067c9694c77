/**
 * A node with pods in network namespaces, wired as kindnet does: each pod has a veth pair to the node, and all pod
 * traffic is routed by the node, which is the namespace that the test runs in. A LAN with an outside host and a second
 * node's pod hang on `eth0`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'

export interface Lab extends Disposable {
  /** Runs a program in the namespace of a pod (or `lan`), waits for it, returns what it printed. */
  exec(
    where: string,
    command: readonly string[],
    options?: { readonly timeoutMs?: number },
  ): Promise<Ran>
  /** Starts a program that stays; resolves when it prints `ready`. */
  start(where: string, command: readonly string[], ready?: RegExp): Promise<ChildProcess>
  /** Starts a program without waiting; `where` 'node' is the test's own namespace. */
  spawn(where: string, command: readonly string[]): ChildProcess
}

export interface Ran {
  readonly code: number
  readonly out: string
}

export const addresses = {
  node: '192.168.50.1',
  outsider: '192.168.50.9',
  client: '10.244.1.10',
  other: '10.244.1.11',
  a: '10.244.1.21',
  b: '10.244.1.22',
  /** A pod of another node, reached through the LAN. */
  remote: '10.244.2.31',
} as const

export function lab(): Lab {
  const children: ChildProcess[] = []
  for (const name of ['client', 'other', 'a', 'b'] as const) pod(name, addresses[name])
  lan()
  const command = (where: string, argv: readonly string[]): readonly string[] =>
    where === 'node' ? argv : ['ip', 'netns', 'exec', where, ...argv]
  const begin = (where: string, argv: readonly string[]): ChildProcess => {
    const [program = '', ...args] = command(where, argv)
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    return child
  }
  return {
    async exec(where, argv, options = {}) {
      const [program = '', ...args] = command(where, argv)
      // why: the test's own process may be what serves the program; waiting must not block it
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      const late = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 20_000)
      let out = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
      child.stderr.resume()
      const code = await new Promise<number>((resolve, reject) => {
        child.once('error', reject)
        child.once('close', (status) => resolve(status ?? 124))
      })
      clearTimeout(late)
      return { code, out }
    },
    spawn: begin,
    async start(where, argv, ready = /ready/) {
      const child = begin(where, argv)
      await new Promise<void>((resolve, reject) => {
        let text = ''
        child.stdout?.setEncoding('utf8').on('data', (part: string) => {
          text += part
          if (ready.test(text)) resolve()
        })
        child.once('exit', (code) =>
          reject(new Error(`${argv.join(' ')} ended with ${String(code)}: ${text}`)),
        )
      })
      return child
    },
    [Symbol.dispose]() {
      for (const child of children) child.kill('SIGKILL')
    },
  }
}

function pod(name: string, address: string): void {
  ip(`netns add ${name}`)
  ip(`link add v-${name} type veth peer name eth0 netns ${name}`)
  // why: the node's end carries the node's address with /32, so that it can answer and masquerade
  ip(`addr add 169.254.1.1/32 dev v-${name}`)
  ip(`link set v-${name} up`)
  ip(`route add ${address}/32 dev v-${name}`)
  ip(`-n ${name} link set lo up`)
  ip(`-n ${name} addr add ${address}/32 dev eth0`)
  ip(`-n ${name} link set eth0 up`)
  ip(`-n ${name} route add 169.254.1.1 dev eth0`)
  ip(`-n ${name} route add default via 169.254.1.1`)
}

function lan(): void {
  ip('netns add lan')
  ip('link add eth0 type veth peer name eth0 netns lan')
  ip(`addr add ${addresses.node}/24 dev eth0`)
  ip('link set eth0 up')
  ip('-n lan link set lo up')
  ip(`-n lan addr add ${addresses.outsider}/24 dev eth0`)
  ip('-n lan link set eth0 up')
  // the outside host is the second node as well: it has a pod, and the router that nothing may leak to
  ip('netns add remote')
  ip('-n lan link add v-remote type veth peer name eth0 netns remote')
  ip('-n lan link set v-remote up')
  ip(`-n lan route add ${addresses.remote}/32 dev v-remote`)
  ip('-n lan addr add 169.254.1.1/32 dev v-remote')
  ip('-n remote link set lo up')
  ip(`-n remote addr add ${addresses.remote}/32 dev eth0`)
  ip('-n remote link set eth0 up')
  ip('-n remote route add 169.254.1.1 dev eth0')
  ip('-n remote route add default via 169.254.1.1')
  ip(`-n lan route add 10.244.1.0/24 via ${addresses.node}`)
  ip('-n lan route add 10.96.0.0/16 via 192.168.50.1')
  ip(`route add 10.244.2.0/24 via ${addresses.outsider}`)
  ip(`route add default via ${addresses.outsider}`)
  for (const where of ['', 'ip netns exec lan ']) {
    execFileSync('sh', ['-c', `${where}sysctl -qw net.ipv4.ip_forward=1`])
  }
}

function ip(args: string): void {
  execFileSync('ip', args.split(' '), { stdio: ['ignore', 'ignore', 'inherit'] })
}
