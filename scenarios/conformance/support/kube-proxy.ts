import type { CheckContext, KubeObject } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { onNode } from './shell.ts'

/** As kubeadm makes it; a kube-proxy that somebody installed otherwise is not looked for. */
const key = { namespace: 'kube-system', name: 'kube-proxy' } as const
const labelSelector = 'k8s-app=kube-proxy'
const configMap = { apiVersion: 'v1', kind: 'ConfigMap' } as const
const daemonSet = { apiVersion: 'apps/v1', kind: 'DaemonSet' } as const
const pod = { apiVersion: 'v1', kind: 'Pod' } as const

/** How long its pods may take to go, or to come and be ready, on all nodes. */
const changesMs = 120_000

/** A kube-proxy that is ready has written its rules; its first write comes right after its first list. */
const writesMs = 30_000

/** The kube-proxy beside the target, or why there is none that could be told from it. */
export async function kubeProxyFound(
  context: CheckContext,
): Promise<{ readonly mode: string; readonly isDaemonSet: boolean } | string> {
  const { cluster } = context
  const { kube, topology } = cluster
  if (cluster.kubeProxyConnections === undefined) return 'no kube-proxy runs beside the target'
  if ((await cluster.kubeProxyConnections(context)) === undefined)
    return 'what comes to kube-proxy cannot be counted here'
  const found = await kube.get(await kube.typeOf(configMap, context), key, context)
  // why: that of k3s is a part of its agent, so that nobody but who made the cluster knows its mode
  if (found === undefined) return { mode: topology.kubeProxy ?? 'unknown', isDaemonSet: false }
  const data = (found['data'] ?? {}) as Readonly<Record<string, string>>
  const [, mode = ''] = /^mode:\s*"?(\w*)"?\s*$/m.exec(data['config.conf'] ?? '') ?? []
  return { mode: mode === '' ? 'iptables' : mode, isDaemonSet: true }
}

/** Why rows on a kube-proxy beside the target say nothing of kube-proxy. */
export function kubeProxyItself(target: Pick<CheckContext['target'], 'pods'>): string | undefined {
  return isKubeProxyItself({ target }) ? 'kube-proxy is the target itself' : undefined
}

/** The cluster's own kube-proxy is judged; nobody installed it beside. */
export function isKubeProxyItself({
  target,
}: {
  readonly target: Pick<CheckContext['target'], 'pods'>
}): boolean {
  return target.pods?.labelSelector === labelSelector
}

/** Ends every pod of kube-proxy and resolves when others are ready in their place. */
export async function restartedKubeProxy(context: CheckContext): Promise<void> {
  const { kube } = context.cluster
  const type = await kube.typeOf(pod, context)
  const before = await podsOfKubeProxy(context)
  for (const { metadata } of before)
    await kube.delete(type, { namespace: key.namespace, name: metadata.name }, context)
  const old = new Set(before.map(({ metadata }) => metadata.uid))
  await until(context, 'restarted', async () => {
    const now = await podsOfKubeProxy(context)
    return now.length >= before.length && now.every(({ metadata }) => !old.has(metadata.uid))
  })
  await until(context, 'ready again', () => allReady(context, before.length))
}

/**
 * Takes kube-proxy off every node, and what it wrote off one of them, as if it had never run there; the harness' counters
 * before it, which are made anew at the next count, go along.
 * @param index - of the node
 * @returns brings it back, and resolves when it has written its rules; done at the end of the check at the latest
 */
export async function kubeProxyAway(
  context: CheckContext,
  index: number,
): Promise<() => Promise<void>> {
  const count = (await podsOfKubeProxy(context)).length
  const select = async (value: string | null, signal: AbortSignal): Promise<void> => {
    const { kube } = context.cluster
    const spec = { template: { spec: { nodeSelector: { 'meshmark.dev/none-such': value } } } }
    await kube.patch(
      await kube.typeOf(daemonSet, { signal }),
      key,
      { spec },
      { type: 'merge', signal },
    )
  }
  let isBack = false
  const comeBack = async (signal: AbortSignal): Promise<void> => {
    if (isBack) return
    isBack = true
    await select(null, signal)
  }
  context.keep({ [Symbol.asyncDispose]: () => comeBack(AbortSignal.timeout(20_000)) })
  await select('', context.signal)
  await until(context, 'gone', async () => (await podsOfKubeProxy(context)).length === 0)
  await onNode(context, index, removal)
  return async () => {
    await comeBack(context.signal)
    await until(context, 'ready again', () => allReady(context, count))
    const { accepted } = await eventually(
      () => onNode(context, index, rules),
      (found) => found.trim() !== '',
      { withinMs: writesMs, everyMs: 200, signal: context.signal },
    )
    if (!accepted) throw new Error('kube-proxy is back and wrote no rules')
  }
}

const removal = `for family in iptables ip6tables; do
  command -v $family-save >/dev/null || continue
  $family-save 2>/dev/null | grep -v 'KUBE-' | $family-restore -w
done
for family in ip ip6; do nft delete table $family kube-proxy 2>/dev/null; done
true`

const rules = `iptables-save -t nat 2>/dev/null | grep -E '^-A (PREROUTING|OUTPUT) .*-j KUBE-SERVICES'
nft list table ip kube-proxy 2>/dev/null | grep hook
true`

async function podsOfKubeProxy({ cluster, signal }: CheckContext): Promise<readonly KubeObject[]> {
  const type = await cluster.kube.typeOf(pod, { signal })
  const { namespace } = key
  return (await cluster.kube.list(type, { namespace, labelSelector, signal })).items
}

async function allReady(context: CheckContext, count: number): Promise<boolean> {
  const now = await podsOfKubeProxy(context)
  return now.length === count && now.every(isReady)
}

function isReady({ metadata, status }: KubeObject): boolean {
  const { conditions = [] } = (status ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
  const is = conditions.some(({ type, status: now }) => type === 'Ready' && now === 'True')
  return is && metadata.deletionTimestamp === undefined
}

/** @throws Error when it does not come about */
async function until(
  context: CheckContext,
  what: string,
  look: () => Promise<boolean>,
): Promise<void> {
  const { accepted } = await eventually(look, (is) => is, {
    withinMs: changesMs,
    everyMs: 300,
    signal: context.signal,
  })
  if (!accepted) throw new Error(`kube-proxy is not ${what} after ${changesMs / 1_000} s`)
}
