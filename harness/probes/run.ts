import type { Answered, NotAnswered, Observation, ProbeJob } from '../model/probe.ts'
import { observeCommand } from './command.ts'
import { observeDns } from './dns.ts'
import { observeHttp } from './http.ts'
import { observePackets } from './packets.ts'
import { observeName } from './resolve.ts'
import { observeTcp } from './tcp.ts'
import { observeUdp } from './udp.ts'
import { observeVolley } from './volley.ts'

/** An observation without its duration: what one kind of probe finds out. */
export type Finding = WithoutDuration<Answered> | WithoutDuration<NotAnswered>

type WithoutDuration<T> = T extends unknown ? Omit<T, 'durationMs'> : never

/** Runs one job to its observation. Gives up at its time-out or when the signal is aborted. */
export async function runJob(job: ProbeJob, signal: AbortSignal): Promise<Observation> {
  const startedAt = performance.now()
  // why: AbortSignal.timeout is held weakly and may be collected before it fires
  const bound = new AbortController()
  const giveUp = (): void => {
    bound.abort()
  }
  const timer = setTimeout(giveUp, job.timeoutMs)
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    const finding = await find(job, bound.signal)
    return { ...finding, durationMs: performance.now() - startedAt }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

function find(job: ProbeJob, signal: AbortSignal): Promise<Finding> {
  switch (job.kind) {
    case 'http':
      return observeHttp(job, signal)
    case 'resolve':
      return observeName(job, signal)
    case 'dns':
      return observeDns(job, signal)
    case 'tcp':
      return observeTcp(job, signal)
    case 'udp':
      return observeUdp(job, signal)
    case 'command':
      return observeCommand(job, signal)
    case 'packets':
      return observePackets(job, signal)
    case 'volley':
      return observeVolley(job, signal)
  }
}
