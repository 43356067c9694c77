/** What a backend can listen for. */
export const protocols: readonly ['http', 'tcp', 'tls', 'h2', 'command', 'udp', 'dns', 'control'] =
  ['http', 'tcp', 'tls', 'h2', 'command', 'udp', 'dns', 'control']

export type Protocol = (typeof protocols)[number]

export interface Listener {
  readonly protocol: Protocol
  /** Every address of the pod, of both families, when absent. */
  readonly address?: string
  /** 0 takes any free port. */
  readonly port: number
}

export interface Settings {
  readonly listeners: readonly Listener[]
  /** After SIGTERM everything is served so long, then the program exits. */
  readonly drainMs: number
}

/** An argument that makes no sense: one line with the value and the rule. */
export class ArgumentProblem extends Error {}

const longestDrainMs = 600_000

/**
 * Reads `--PROTOCOL [ADDRESS:]PORT ...` and `--drain MS`; an IPv6 address stands in brackets.
 * @throws ArgumentProblem
 */
export function parseArguments(argv: readonly string[]): Settings {
  const listeners: Listener[] = []
  let drainMs = 0
  for (let index = 0; index < argv.length; index += 2) {
    const option = argv[index] ?? ''
    const value = argv[index + 1]
    const known = [...protocols.map((name) => `--${name}`), '--drain']
    if (!known.includes(option))
      throw new ArgumentProblem(`got ${option}, want one of ${known.join(', ')}`)
    if (value === undefined) throw new ArgumentProblem(`${option}: got nothing, want a value`)
    if (option === '--drain') drainMs = count(option, value, longestDrainMs)
    else listeners.push(listener(option, value))
  }
  if (listeners.length === 0)
    throw new ArgumentProblem('got no port to listen on, want --tcp 9000 or the like')
  return { listeners, drainMs }
}

function listener(option: string, value: string): Listener {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]:|([0-9.]+):)?([0-9]+)$/.exec(value)
  const protocol = protocols.find((name) => option === `--${name}`)
  if (parts === null || protocol === undefined)
    throw new ArgumentProblem(`${option}: got ${value}, want PORT or ADDRESS:PORT`)
  const [, v6, v4, port = ''] = parts
  const address = v6 ?? v4
  return {
    protocol,
    ...(address !== undefined && { address }),
    port: count(option, port, 65_535),
  }
}

function count(option: string, value: string, most: number): number {
  const number = Number(value)
  if (!/^[0-9]+$/.test(value) || number > most)
    throw new ArgumentProblem(`${option}: got ${value}, want 0 to ${most}`)
  return number
}
