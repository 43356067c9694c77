import type { CheckContext, KubeObject } from '../../../harness/api.ts'
import { objectOf } from './cluster-facts.ts'
import { backendPod } from './objects.ts'
import type { Look } from './steady.ts'

/**
 * Asks for URLs again and again, as any program in a pod of this kind would, and writes what it got last into the message
 * that the kubelet reports when the container ends; it ends with the first full success, or after a minute.
 */
const script = `
const { writeFileSync } = require('node:fs')
const urls = process.argv.slice(1)
const until = Date.now() + 60000
const one = async (url) => {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5000) })
    return [answer.status, url, answer.headers.get('x-pod')].join(' ')
  } catch (error) {
    return ['failed', url, error.cause?.code ?? error.message].join(' ')
  }
}
const ask = async () => {
  const said = await Promise.all(urls.map(one))
  const isDone = said.every((line) => line.startsWith('200 '))
  if (!isDone && Date.now() < until) return setTimeout(ask, 200)
  writeFileSync('/dev/termination-log', said.join('\\n') + '\\n')
}
ask()
`

/**
 * A pod whose program is a script that writes what it has to say into /dev/termination-log and ends; with the resolver and
 * the network that `spec` gives it.
 */
export function sayingPod(
  context: Pick<CheckContext, 'backendImage' | 'nodes'>,
  name: string,
  { script, args }: { readonly script: string; readonly args: readonly string[] },
  spec: Readonly<Record<string, unknown>>,
): KubeObject {
  return backendPod({
    name,
    image: context.backendImage,
    node: context.nodes[0]?.name ?? '',
    spec: { restartPolicy: 'Never', ...spec },
    container: { command: ['node', '-e', script, ...args], args: [], readinessProbe: undefined },
  })
}

/** A pod whose program asks for URLs with the resolver and the network that `spec` gives it. */
export function askingPod(
  context: Pick<CheckContext, 'backendImage' | 'nodes'>,
  name: string,
  urls: readonly string[],
  spec: Readonly<Record<string, unknown>>,
): KubeObject {
  return sayingPod(context, name, { script, args: urls }, spec)
}

interface Terminated {
  readonly containerStatuses?: readonly {
    readonly state?: { readonly terminated?: { readonly message?: string } }
  }[]
}

/** What the program of such a pod said in the end; undefined while it asks. */
export async function whatItSaid(context: CheckContext, name: string): Promise<string | undefined> {
  const key = { namespace: context.namespace, name }
  const { status } = await objectOf(context, { apiVersion: 'v1', kind: 'Pod' }, key)
  return (status as Terminated | undefined)?.containerStatuses?.[0]?.state?.terminated?.message
}

/** Every URL was answered with 200. */
export function itWasAnswered(context: CheckContext, name: string): Look {
  return {
    name: `pod ${name}`,
    look: async () => {
      const said = await whatItSaid(context, name)
      if (said === undefined) return 'still asks'
      return said.split('\n').every((line) => line === '' || line.startsWith('200 '))
        ? undefined
        : said.trim()
    },
  }
}
