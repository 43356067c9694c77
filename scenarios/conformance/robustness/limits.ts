import type { Check } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { endpointOf, ownService } from '../l4/own-service.ts'
import { pidsAt } from '../support/agent.ts'
import { describeVolley, volley } from '../support/connect.ts'
import { skipped } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { changedNode, onNode } from '../support/shell.ts'
import { staysAlive } from './alive.ts'

const usual = {
  capabilities: ['node-access'],
  fixtures: [backends],
  timeoutMs: 240_000,
} as const satisfies Partial<Check>

/** RLIMIT_NOFILE that the agent gets, and connections at the same time. */
const files = 256
const connections = 500

/** Things that run out. */
export const limits: readonly Check[] = [
  {
    ...usual,
    requirement: 'ROB-FD-001',
    sends:
      '500 HTTP and 500 TCP connections at the same time from a pod to Services of a node whose agent may open 256 files; later 20 more',
    expects: 'those of the 500 may fail; the 20 are answered; the agents are the same processes',
    run: async (context) => {
      if ((await onNode(context, 0, 'command -v prlimit || true')).trim() === '')
        return skipped('the node has no prlimit to lower the limit of a running process')
      return staysAlive(async ({ judgement, pods: [pod], own }) => {
        const at = inPod(context)
        const pids = await pidsAt(context, at.node)
        // why: the soft limit alone, which can be raised again without CAP_SYS_RESOURCE
        const lift = await changedNode(context, 0, {
          todo: pids.map((pid) => `prlimit --pid ${pid} --nofile=${files}:`).join(' && '),
          undo: pids
            .map(
              (pid) =>
                `[ ! -d /proc/${pid} ] || prlimit --pid ${pid} --nofile=$(awk '/Max open files/ { print $5 }' /proc/${pid}/limits):`,
            )
            .join('; '),
        })
        const web = await ownService(context, { name: 'web', endpoints: [endpointOf(pod)] })
        const storm = await Promise.all(
          [80, 81].map((port) =>
            volley(context, at, {
              host: port === 80 ? web.host : own.host,
              port,
              connections,
              concurrency: connections,
              connectionTimeoutMs: 10_000,
              ...(port === 80 && { http: Array.from({ length: 3 }, () => ({ path: '/' })) }),
            }),
          ),
        )
        const after = await volley(context, at, {
          host: web.host,
          port: 80,
          connections: 20,
          concurrency: 5,
          connectionTimeoutMs: 5_000,
          http: [{ path: '/' }],
        })
        judgement.equal('failures when the storm is over', {}, after.failures)
        await lift()
        return `storm: ${storm.map(describeVolley).join('; ')}`
      })(context)
    },
  },
  {
    ...usual,
    requirement: 'ROB-DSK-001',
    sends:
      'TCP connections from a pod to a Service that is made while the folders in which the agent of the node keeps things are read-only',
    expects: 'it is answered; the agents are the same processes',
    run: async (context) => {
      const { files: folders = [] } = context.target.documented ?? {}
      if (folders.length === 0) return skipped('the target documents no folder that it writes to')
      return staysAlive(async ({ pods: [pod], answers }) => {
        const [pid] = await pidsAt(context, inPod(context).node)
        if (pid === undefined) throw new Error('no agent runs')
        const remount = (mode: string): string =>
          folders
            .map((folder) => `nsenter -t ${pid} -m mount -o remount,bind,${mode} ${folder}`)
            .join(' && ')
        const lift = await changedNode(context, 0, {
          todo: `${remount('ro')}
${folders.map((folder) => `if nsenter -t ${pid} -m touch ${folder}/.mm 2>/dev/null; then echo 'still writable' >&2; exit 1; fi`).join('\n')}`,
          undo: `[ ! -d /proc/${pid} ] || { ${remount('rw')}; }`,
        })
        const made = await ownService(context, { name: 'made', endpoints: [endpointOf(pod)] })
        await answers('made while nothing can be written', made.host, pod)
        await lift()
        return `${folders.join(', ')} read-only`
      })(context)
    },
  },
]
