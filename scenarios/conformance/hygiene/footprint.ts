import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { backends } from '../l4/backends.fixture.ts'
import { answeredBy } from '../l4/follow.ts'
import { endpointOf, fixturePods, ownService } from '../l4/own-service.ts'
import { pidsAt, withAgent } from '../support/agent.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { onNode } from '../support/shell.ts'

const usual = {
  capabilities: ['node-access'],
  fixtures: [backends],
} as const satisfies Partial<Check>

/** How long an agent may take to write to the places that its documentation names. */
const writtenMs = 15_000

/** Names of files that hold secrets. */
const secret = /key|token|secret|password|psk|kubeconfig/i

/** What an agent takes of a node while it runs. */
export const footprint: readonly Check[] = [
  {
    ...usual,
    requirement: 'HYG-PRT-001',
    sends: 'nothing; reads on which ports the agent of a node listens while it serves a Service',
    expects:
      'they are documented, or of the local port range and no nodePort of any Service; nothing else',
    run: withAgent(async (context) => {
      const judgement = new Judgement()
      if (!(await serves(context, judgement))) return judgement.assessment('')
      const pids = await pidsAt(context, inPod(context).node)
      const sockets = await onNode(context, 0, 'ss -Hlntup')
      const mine = sockets
        .split('\n')
        .filter((line) =>
          [...line.matchAll(/pid=(\d+)/g)].some(([, pid]) => pids.includes(Number(pid))),
        )
        .map((line) => line.split(/\s+/)[4] ?? '')
      const range = (await onNode(context, 0, 'cat /proc/sys/net/ipv4/ip_local_port_range'))
        .trim()
        .split(/\s+/)
        .map(Number)
      const [least = 0, most = 0] = range
      const taken = await nodePorts(context)
      const { ports: documented = [] } = context.target.documented ?? {}
      const wrong = mine.filter((local) => {
        const port = Number(/:(\d+)$/.exec(local)?.[1])
        if (documented.includes(port)) return false
        return port < least || port > most || taken.includes(port)
      })
      judgement.set('listeners on other ports', [], wrong)
      return judgement.assessment(
        `${mine.join(', ')}; documented ${documented.join(', ')}, local range ${range.join('-')}`,
      )
    }),
  },
  {
    ...usual,
    requirement: 'HYG-FS-001',
    sends: 'nothing; reads the modes of files that the agent of a node has written',
    expects: 'nobody but the owner may write any of them, nor read those that hold secrets',
    run: withAgent(async (context) => {
      const judgement = new Judgement()
      if (!(await serves(context, judgement))) return judgement.assessment('')
      const [pid] = await pidsAt(context, inPod(context).node)
      if (pid === undefined) throw new Error('no agent runs')
      const { files = [] } = context.target.documented ?? {}
      const root = `/proc/${pid}/root`
      const places = files.map((path) => `${root}${path}`).join(' ')
      const script = `{ ${places === '' ? '' : `find ${places} -type f -printf '%m %P\\n' 2>/dev/null;`}
find ${root}/tmp ${root}/run ${root}/etc -xdev -newer /proc/${pid}/limits -type f -printf '%m %P\\n' 2>/dev/null; } | sort -u; true`
      // why: an agent may write what it knows a while after it is at work
      const { seen: found } = await eventually(
        async () => (await onNode(context, 0, script)).split('\n').filter((line) => line !== ''),
        (lines) => lines.length > 0,
        { withinMs: files.length === 0 ? 0 : writtenMs, everyMs: 500, signal: context.signal },
      )
      if (found.length === 0)
        return skipped('the agent has written no file in its documented places, /tmp, /run or /etc')
      const isLoose = (line: string): boolean => {
        const [mode = '', name = ''] = line.split(' ')
        return (parseInt(mode, 8) & (secret.test(name) ? 0o177 : 0o133)) !== 0
      }
      judgement.set('files with wider modes', [], found.filter(isLoose))
      return judgement.assessment(found.join(', '))
    }),
  },
]

async function serves(context: CheckContext, judgement: Judgement): Promise<boolean> {
  const [pod] = await fixturePods(context)
  const own = await ownService(context, { endpoints: [endpointOf(pod)] })
  const front = { at: inPod(context), host: own.host, port: 81 }
  return (await answeredBy(context, judgement, 'a Service', front, [pod.name])).ok
}

/** Every nodePort in use. */
async function nodePorts(context: CheckContext): Promise<readonly number[]> {
  const { kube } = context.cluster
  const type = await kube.typeOf({ apiVersion: 'v1', kind: 'Service' }, context)
  const { items } = await kube.list(type, { signal: context.signal })
  return items.flatMap(({ spec }) => {
    const { ports = [] } = (spec ?? {}) as { ports?: readonly { nodePort?: number }[] }
    return ports.flatMap(({ nodePort }) => nodePort ?? [])
  })
}
