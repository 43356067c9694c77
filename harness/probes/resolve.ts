import { isIP } from 'node:net'
import type { ResolveJob } from '../model/probe.ts'
import { failureOf, timedOut } from './failure.ts'
import { addressesOf } from './lookup.ts'
import type { Finding } from './run.ts'

/** Asks getaddrinfo, as an application would. */
export async function observeName(job: ResolveJob, signal: AbortSignal): Promise<Finding> {
  try {
    return { kind: 'resolved', addresses: await resolveName(job.name, signal, job.family) }
  } catch (error) {
    if (signal.aborted)
      return timedOut(`getaddrinfo ${job.name}: no answer within ${job.timeoutMs} ms`)
    return failureOf(error)
  }
}

/**
 * Addresses of a name in the order in which getaddrinfo gives them; an address is its own name.
 * @throws Error with `code` ENOTFOUND (no such name) or EAI_AGAIN (could not find out)
 */
export async function resolveName(
  name: string,
  signal: AbortSignal,
  family: 0 | 4 | 6 = 0,
): Promise<readonly string[]> {
  if (isIP(name) !== 0) return [name]
  const found = await Promise.race([addressesOf(name, family), aborted(signal)])
  return [...new Set(found)]
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => {
      reject(new Error('aborted'))
    }
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
}
