import { type ChildProcess, fork } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import type { LookupAnswer, LookupQuestion } from './lookup-helper.ts'

/**
 * libuv gives half of its four threads to getaddrinfo, and a lookup that nobody answers holds its thread for many
 * seconds: a third one would time out without a query ever sent. Lookups beyond two go to a helper with more threads.
 */
const ownThreads = 2

/** Half of these serve lookups in the helper. */
const helperThreads = 128

let busy = 0
let helper: Helper | undefined

/**
 * getaddrinfo, in its own order.
 * @throws Error with `code` ENOTFOUND, EAI_AGAIN, ...
 */
export async function addressesOf(name: string, family: 0 | 4 | 6): Promise<readonly string[]> {
  if (busy >= ownThreads) {
    helper ??= startHelper()
    return helper.ask(name, family)
  }
  busy += 1
  try {
    const found = await lookup(name, { all: true, family, verbatim: true })
    return found.map(({ address }) => address)
  } finally {
    busy -= 1
  }
}

interface Helper {
  ask(name: string, family: 0 | 4 | 6): Promise<readonly string[]>
}

interface Waiting {
  readonly resolve: (addresses: readonly string[]) => void
  readonly reject: (error: Error) => void
}

function startHelper(): Helper {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  const child: ChildProcess = fork(new URL('./lookup-helper.js', import.meta.url), {
    env: { ...process.env, UV_THREADPOOL_SIZE: String(helperThreads) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  child.on('message', ({ id, addresses, error }: LookupAnswer) => {
    const one = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) one?.resolve(addresses ?? [])
    else one?.reject(Object.assign(new Error(error.message), { code: error.code }))
  })
  const lost = (cause?: unknown): void => {
    helper = undefined
    for (const one of waiting.values())
      one.reject(new Error('the helper for name lookups ended', { cause }))
    waiting.clear()
  }
  child.on('error', lost)
  child.on('exit', () => {
    lost()
  })
  child.unref()
  child.channel?.unref()
  return {
    ask: (name, family) =>
      new Promise((resolve, reject) => {
        lastId += 1
        waiting.set(lastId, { resolve, reject })
        const question: LookupQuestion = { id: lastId, name, family }
        child.send(question)
      }),
  }
}
