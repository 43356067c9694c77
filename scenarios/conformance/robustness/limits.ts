import { setTimeout as delay } from 'node:timers/promises'
import type { Check } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { endpointOf, ownService } from '../l4/own-service.ts'
import { pidsAt } from '../support/agent.ts'
import { describeVolley, volley } from '../support/connect.ts'
import { skipped } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { changedNode, onNode } from '../support/shell.ts'
import { type Alive, staysAlive } from './alive.ts'

const usual = {
  capabilities: ['node-access'],
  fixtures: [backends],
  timeoutMs: 240_000,
} as const satisfies Partial<Check>

/** RLIMIT_NOFILE that the agent gets, and connections at the same time. */
const files = 256
const connections = 500

/**
 * When an agent writes is its own affair, at once or some time after a change: it is given changes for this long, and
 * whoever writes within it is seen to fail.
 */
const readOnlyMs = 10_000

/** Between two changes, so that an agent that waits for quiet finds some. */
const pauseMs = 1_000

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
      'TCP connections from a pod to a Service that is made while the folders in which the agent of the node keeps things are read-only, and whose endpoint is exchanged again and again for 10 s',
    expects:
      'every endpoint comes to answer; the agents are the same processes, while the folders are read-only and after',
    run: async (context) => {
      const { files: folders = [] } = context.target.documented ?? {}
      if (folders.length === 0) return skipped('the target documents no folder that it writes to')
      return staysAlive(async (alive) => {
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
        const changes = await changedFor(readOnlyMs, alive)
        await alive.sameProcesses('while nothing can be written')
        await lift()
        return `${folders.join(', ')} read-only for ${changes} changes`
      })(context)
    },
  },
]

/**
 * Makes a Service, exchanges its endpoint for this long, and records that each comes to answer; ends early when one does
 * not.
 * @returns the number of changes
 */
async function changedFor(
  lastsMs: number,
  { context, pods, judgement, answers }: Alive,
): Promise<number> {
  const startedAt = performance.now()
  const made = await ownService(context, { name: 'made', endpoints: [endpointOf(pods[0])] })
  for (let changes = 1; ; changes += 1) {
    const pod = pods[(changes - 1) % pods.length] ?? pods[0]
    if (changes > 1) await made.setEndpoints([endpointOf(pod)])
    await answers(`change ${changes} while nothing can be written`, made.host, pod)
    if (!judgement.ok || performance.now() - startedAt > lastsMs) return changes
    await delay(pauseMs, undefined, { signal: context.signal })
  }
}
