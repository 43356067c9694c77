import type { Assessment, Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { backends } from '../l4/backends.fixture.ts'
import { echoed, greetingOf, greetingPort, withFarBackend } from '../l4/streams.ts'
import { peerOf } from '../support/connect.ts'
import { inPod } from '../support/positions.ts'
import { ports } from '../support/objects.ts'
import { changedNode, onNode } from '../support/shell.ts'
import { openStream } from '../support/streams.ts'

/** Segments of the answer that arrive with a foreign number: the first, and two that the server sends again. */
const strays = 3

/** The server sends again after 0.2 s, 0.4 s, 0.8 s ... while nobody acknowledges. */
const straysMs = 10_000

const text = 'stray'.repeat(40)

/** Longer than the headers of IPv4 and TCP with the options of a connection that is open. */
const withData = 100

/**
 * The sequence number that is farthest away, 2^31 on. It has to lie beyond the window: what lies before it is a late
 * repetition to connection tracking, which Linux translates since 6.1.
 */
const farthest = 'tcp sequence xor 0x80000000'

const table = 'meshmark_stray'

/**
 * Connection tracking takes a segment outside of the window for no part of the connection, so it does not translate it:
 * without a rule against that it reaches the client under the backend's own address, and the client resets whoever that is.
 */
async function strayedFrom(context: CheckContext): Promise<Assessment> {
  return withFarBackend(context, async ({ judgement, host, pod }) => {
    const stream = await openStream(context, judgement, inPod(context), {
      host,
      port: greetingPort,
    })
    if (stream === undefined) return ''
    const peer = peerOf((await greetingOf(context, stream)).trim())
    if (peer === undefined) throw new Error('the backend does not tell who its client is')
    judgement.equal('an echo before', text, await echoed(context, stream, text))
    const { seen, lift } = await strayed(context, pod.ip, peer)
    const echo = echoed(context, stream, text)
    echo.catch(() => undefined)
    const { seen: counted } = await eventually(seen, ({ forged }) => forged >= strays, {
      withinMs: straysMs,
      everyMs: 50,
      signal: context.signal,
    })
    if (counted.forged === 0) throw new Error('no segment of the connection was met on its way')
    await lift()
    judgement
      .equal('the echo', text, await echo)
      .equal('an echo after', text, await echoed(context, stream, text))
      .equal("resets of the client at the backend's own address", 0, counted.resets)
    return `${counted.forged} segments outside of the window; the connection went on`
  })
}

/**
 * From now on segments with data of one connection arrive at the first edge node with another sequence number, before
 * connection tracking looks at them.
 * @param peer - the client as the backend sees it, `ADDRESS:PORT`
 */
async function strayed(
  context: CheckContext,
  podIp: string,
  peer: string,
): Promise<{
  readonly seen: () => Promise<{ readonly forged: number; readonly resets: number }>
  readonly lift: () => Promise<void>
}> {
  const [address = '', port = ''] = peer.split(':')
  const flow = `ip saddr ${podIp} tcp sport ${ports.tcp} ip daddr ${address} tcp dport ${port}`
  const back = `ip saddr ${address} tcp sport ${port} ip daddr ${podIp} tcp dport ${ports.tcp}`
  const rules = `table ip ${table} {
  counter forged { }
  counter resets { }
  chain arriving {
    type filter hook prerouting priority -290; policy accept;
    ${flow} ip length > ${withData} tcp sequence set ${farthest} counter name forged
    ${back} tcp flags & rst == rst counter name resets
  }
}`
  const lift = await changedNode(context, 0, {
    todo: `nft delete table ip ${table} 2>/dev/null || true
printf '%s' '${rules}' | nft -f -`,
    undo: `nft delete table ip ${table}`,
  })
  const seen = async (): Promise<{ readonly forged: number; readonly resets: number }> => {
    const listed = await onNode(context, 0, `nft list counters table ip ${table}`)
    const of = (name: string): number => {
      const packets = new RegExp(`counter ${name} \\{\\s*packets (\\d+)`).exec(listed)?.[1]
      if (packets === undefined) throw new Error(`no counter ${name} in: ${listed}`)
      return Number(packets)
    }
    return { forged: of('forged'), resets: of('resets') }
  }
  return { seen, lift }
}

const usual = {
  sends: `an answer of a backend on another node whose segments arrive at the client's node with sequence numbers outside of the window, ${strays} times; then as they are`,
  expects:
    "no reset; the server's repetition brings the answer, and the connection serves another echo",
  fixtures: [backends],
  timeoutMs: 180_000,
  run: strayedFrom,
} as const satisfies Partial<Check>

export const straySegments: readonly Check[] = [
  { ...usual, requirement: 'HYG-CT-003', capabilities: ['node-access'] },
  { ...usual, requirement: 'L4-CT-001', capabilities: ['kubernetes', 'node-access'] },
]
