import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError } from '../../model/errors.ts'
import { ended } from './cli.ts'

/** Lines that are quoted of each log. */
const quotedLines = 12

/** What stands in the logs of a node that does not get Ready, and what is behind it. The first that fits is told. */
const causes: readonly {
  readonly says: RegExp
  readonly because: string
  readonly cure: string
}[] = [
  {
    says: /no space left on device|DiskPressure|disk pressure|eviction manager: attempting to reclaim/i,
    because: 'the disk is full',
    cure: 'free some space where Docker keeps its data: docker system prune',
  },
  {
    says: /cgroup v1 (support|is)|cgroups? v1.*(deprecat|not supported|unsupported)|failed to find.*cgroup|cpu controller|cgroup.*(no such file|not mounted)/i,
    because: "the kubelet does not get on with this machine's cgroups",
    cure: 'use a node image of an older Kubernetes, or a machine with cgroup v2',
  },
  {
    says: /ErrImagePull|failed to pull|failed to get sandbox image|ImagePullBackOff/i,
    because: 'an image is missing in the node',
    cure: 'use a node image that kind built: it has every image it needs',
  },
  {
    says: /out of memory|oom-kill|Killed process|cannot allocate memory/i,
    because: 'there is too little memory',
    cure: 'a cluster of three nodes wants about 3 GiB',
  },
  {
    says: /too many open files|inotify/i,
    because: 'the limits of inotify are too low',
    cure: 'sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288',
  },
  {
    says: /cni plugin not initialized|cni config uninitialized/i,
    because: 'the pod network did not come up',
    cure: "see the log of kindnet's pods: kubectl -n kube-system logs -l app=kindnet",
  },
]

/** The end of kubelet's and containerd's logs of a node, wherever its image keeps them. */
const script = [
  `for unit in kubelet containerd; do echo "== $unit"`,
  `{ journalctl --no-pager -u $unit -n 200 2>/dev/null || tail -n 200 /var/log/$unit*.log 2>/dev/null; } | grep -iE 'error|fail|E[0-9]{4}|fatal|cgroup' | tail -n ${quotedLines}`,
  'done',
].join('; ')

/** The error of a cluster that did not come up, with what its nodes' logs say and the probable cause. */
export async function withNodeLogs(
  error: unknown,
  containers: readonly string[],
  options: AbortOptions,
): Promise<unknown> {
  if (!(error instanceof ClusterError) || error.code !== 'not-ready') return error
  const logs: string[] = []
  for (const container of containers) {
    const { exitCode, stdout } = await ended(
      ['docker', 'exec', container, 'sh', '-c', script],
      options,
    )
    if (exitCode === 0) logs.push(`${container}:\n${stdout.trim()}`)
  }
  if (logs.length === 0) return error
  const { because, cure } = probableCause(logs.join('\n')) ?? {}
  const what =
    because === undefined ? error.message : `${error.message}; probable cause: ${because}`
  const hint = cure ?? error.hint
  return new ClusterError('not-ready', `${what}\n${logs.join('\n')}`, {
    ...(hint !== undefined && { hint }),
    cause: error,
  })
}

/** What is behind the words of a node's logs, where it is known. */
export function probableCause(
  logs: string,
): { readonly because: string; readonly cure: string } | undefined {
  return causes.find(({ says }) => says.test(logs))
}
