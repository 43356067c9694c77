import type { Check, CheckContext, Observation } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { serverCredentials } from '../l7/tls.credentials.ts'
import { pidsAt, withAgent } from '../support/agent.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { request } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod } from '../support/objects.ts'
import { restarted } from '../support/outage.ts'
import { onHost } from '../support/positions.ts'
import { changedNode, onNode } from '../support/shell.ts'
import { backends } from './backends.fixture.ts'
import { isServed } from './served.ts'

/** Where the foreign API listens on the node, and where it tells what came; free on nodes of ours. */
const ports = { tls: 18_443, report: 18_444 } as const

/** A client that found no API tries again after seconds, later after some ten. */
const triesWithinMs = 60_000

/** Tries of the agent that are waited for: one could end by chance before its request. */
const tries = 3

/** How long the foreign API may take to serve. */
const startsMs = 60_000

const nothing = 'no request'

/** The node whose agent is led astray. */
const looked = 0

/** A connection waits so long for its handshake that it is seen whose it is, in ms; clients wait much longer. */
const heldMs = 1_000

/**
 * A server with a certificate that nobody trusts. It tells by the client's port, when the connection is over or asks for
 * something, whether a request came after the handshake, and whether that bore a token.
 */
const script = `
const tls = require('node:https')
const plain = require('node:http')
const net = require('node:net')
const [cert, key] = process.argv.slice(1)
const seen = {}
const server = tls.createServer({ cert, key }, (request, response) => {
  seen[request.socket.remotePort] =
    request.headers.authorization === undefined ? 'a request' : 'a request with a token'
  response.writeHead(503).end()
})
server.on('tlsClientError', () => undefined)
const hold = (socket) => {
  const { remotePort } = socket
  socket.on('error', () => undefined)
  socket.on('close', () => (seen[remotePort] ??= '${nothing}'))
  setTimeout(() => server.emit('connection', socket), ${heldMs})
}
net.createServer(hold).listen(${ports.tls})
plain.createServer((_, response) => response.end(JSON.stringify(seen))).listen(${ports.report}, '127.0.0.1')
`

/** Who speaks to the agent in the API's name. */
export const foreignApi: readonly Check[] = [
  {
    requirement: 'SEC-PRV-003',
    sends: `a node's new connections to the API are led to a server whose certificate is of a foreign CA, and the agent there is killed, so that it starts anew; ${tries} connections of it are waited for`,
    expects: 'it connects and sends no request, let alone its token; with the API back it serves',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 240_000,
    run: withAgent(async (context) => {
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, looked))) return judgement.assessment('')
      await serve(context)
      const giveBack = await ledAstray(context)
      await restarted(context, looked, 'kill')
      const own = new Set<string>()
      const { accepted, seen } = await eventually(
        async () => {
          for (const port of await portsOfAgent(context)) own.add(port)
          const outcomes = await outcomesByPort(context)
          return [...own].flatMap((port) => outcomes[port] ?? [])
        },
        (met) => met.length >= tries || met.some((outcome) => outcome !== nothing),
        { withinMs: triesWithinMs, signal: context.signal },
      )
      await giveBack()
      if (!accepted)
        throw new Error(`the agent was seen to try ${seen.length} times, ${tries} were waited for`)
      judgement.set('what came on connections of the agent', [nothing], new Set(seen))
      await isServed(context, judgement, looked)
      return judgement.assessment(`${seen.length} connections of the agent, ${nothing} on any`)
    }),
  },
]

/** Starts the foreign API on the node. @throws Error when it does not serve */
async function serve(context: CheckContext): Promise<void> {
  const { cert, key } = serverCredentials
  await context.apply([
    backendPod({
      name: 'foreign-api',
      image: context.backendImage,
      node: onHost(context, looked).node,
      spec: { hostNetwork: true, dnsPolicy: 'Default' },
      container: {
        command: ['node', '-e', script, '--', cert, key],
        args: [],
        readinessProbe: undefined,
      },
    }),
  ])
  const { accepted, seen } = await eventually(
    () => report(context),
    ({ kind }) => kind === 'http',
    { withinMs: startsMs, signal: context.signal },
  )
  if (!accepted) throw new Error(`the foreign API does not serve: ${seen.kind}`)
}

function report(context: CheckContext): Promise<Observation> {
  return request(context, onHost(context, looked), `http://127.0.0.1:${ports.report}/`)
}

async function outcomesByPort(context: CheckContext): Promise<Readonly<Record<string, string>>> {
  const seen = await report(context)
  if (seen.kind !== 'http') throw new Error(`the foreign API tells nothing: ${seen.kind}`)
  return JSON.parse(seen.body) as Readonly<Record<string, string>>
}

/**
 * Leads new connections from the node to the API, by its own address and by its Service's, to the foreign one; before any
 * data plane translates them. Connections that are there go on, so a kubelet still does its work.
 */
async function ledAstray(context: CheckContext): Promise<() => Promise<void>> {
  const { hostname, port } = new URL(context.cluster.apiServer)
  const service = await clusterIpOf(context, 'default', 'kubernetes')
  return changedNode(context, looked, {
    todo: `nft delete table ip meshmark_foreign 2>/dev/null || true
nft -f - <<rules
table ip meshmark_foreign {
  chain out {
    type nat hook output priority -150; policy accept;
    ip daddr ${hostname} tcp dport ${port === '' ? 443 : port} redirect to :${ports.tls}
    ip daddr ${service} tcp dport 443 redirect to :${ports.tls}
  }
}
rules`,
    undo: 'nft delete table ip meshmark_foreign',
  })
}

/** Local ports of the agent's connections that are open now. */
async function portsOfAgent(context: CheckContext): Promise<readonly string[]> {
  const pids = await pidsAt(context, onHost(context, looked).node)
  const listed = await onNode(context, looked, 'ss -Hntp state established')
  return listed.split('\n').flatMap((line) => {
    const isOwn = [...line.matchAll(/pid=(\d+)/g)].some(([, pid]) => pids.includes(Number(pid)))
    // why: the first address of a line is the local one
    const [, port] = /:(\d+)\s/.exec(line) ?? []
    return isOwn && port !== undefined ? [port] : []
  })
}
