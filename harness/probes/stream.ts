import type {
  NotAnswered,
  StreamJob,
  StreamOpened,
  StreamPlayed,
  StreamStep,
} from '../model/probe.ts'
import { connectionFailure } from './connection.ts'
import { timedOut } from './failure.ts'
import { pause } from './stream-pause.ts'
import { readUntil } from './stream-read.ts'
import { streamRecord } from './stream-record.ts'
import { connectStream, type StreamSocket } from './stream-socket.ts'
import { JobProblem } from './rules.ts'
import { sendPattern, sendSegments } from './stream-send.ts'

/** A connection that was opened. */
export interface OpenStream {
  /**
   * @throws JobProblem when it is playing, closed, or has nothing left to send on
   */
  readonly play: (steps: readonly StreamStep[], signal: AbortSignal) => Promise<StreamPlayed>
  /** Closes it at once; a play under way ends with an error. */
  readonly close: () => void
}

export interface StreamOpening {
  readonly opened: StreamOpened | NotAnswered
  readonly stream?: OpenStream
}

/** Opens a connection. Aborting the signal closes it. */
export async function openStream(job: StreamJob, signal: AbortSignal): Promise<StreamOpening> {
  const startedAt = performance.now()
  const life = new AbortController()
  const close = (): void => {
    life.abort()
  }
  const timer = setTimeout(close, job.timeoutMs)
  if (signal.aborted) close()
  signal.addEventListener('abort', close, { once: true })
  try {
    const connection = await connectStream(job, life.signal)
    const {
      localAddress = '',
      localPort = 0,
      remoteAddress = '',
      remotePort = 0,
    } = connection.socket
    return {
      opened: {
        kind: 'opened',
        durationMs: performance.now() - startedAt,
        local: { address: localAddress, port: localPort },
        remote: { address: remoteAddress, port: remotePort },
      },
      stream: { play: player(connection, life), close },
    }
  } catch (error) {
    const failure = life.signal.aborted
      ? timedOut(`${job.host}:${job.port}: no connection within ${job.timeoutMs} ms`)
      : connectionFailure(error)
    return { opened: { ...failure, durationMs: performance.now() - startedAt } }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', close)
  }
}

function player(connection: StreamSocket, life: AbortController): OpenStream['play'] {
  let isPlaying = false
  return async (steps, signal) => {
    if (isPlaying) throw new JobProblem('stream: it plays already, want one play after the other')
    if (life.signal.aborted) throw new JobProblem('stream: it is closed')
    const ended = steps.findIndex(({ do: what }) => what.startsWith('send') || what === 'end')
    if (ended !== -1 && connection.socket.writableEnded && connection.state() !== 'reset')
      throw new JobProblem(`steps[${ended}]: the stream was half-closed and sends no more`)
    const abort = (): void => {
      life.abort()
    }
    signal.addEventListener('abort', abort, { once: true })
    isPlaying = true
    try {
      const played = await playSteps(connection, steps, life.signal)
      if (life.signal.aborted) throw new JobProblem('stream: it was closed during the play')
      return played
    } finally {
      isPlaying = false
      signal.removeEventListener('abort', abort)
    }
  }
}

async function playSteps(
  connection: StreamSocket,
  steps: readonly StreamStep[],
  closed: AbortSignal,
): Promise<StreamPlayed> {
  const startedAt = performance.now()
  const play = { connection, record: streamRecord(startedAt), consumed: 0, sentBytes: 0 }
  let complete = true
  let isStalled = false
  for (const step of steps) {
    if (closed.aborted) break
    if (step.do === 'read') complete = await readUntil(play, step.until, step.withinMs)
    else if (step.do === 'pause') await pause(step.ms, closed)
    else if (isStalled || connection.socket.destroyed) continue
    else if (step.do === 'send') isStalled = !(await sendSegments(play, step, closed))
    else if (step.do === 'send-pattern') isStalled = !(await sendPattern(play, step))
    else if (step.do === 'end') isStalled = !(await halfClose(connection))
    else await reset(connection)
  }
  return {
    durationMs: performance.now() - startedAt,
    ...play.record.finish(),
    sentBytes: play.sentBytes,
    complete,
    state: isStalled && connection.state() !== 'reset' ? 'timed-out' : connection.state(),
  }
}

/** A FIN goes out behind everything that was sent, so a peer that takes nothing keeps it back: so long at most. */
const finMs = 5_000

/** @returns false when the FIN could not be sent in time */
function halfClose({ socket }: StreamSocket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve(false)
    }, finMs)
    socket.end(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

function reset({ socket }: StreamSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => {
      resolve()
    })
    socket.resetAndDestroy()
  })
}
