import type { StreamStep } from '../model/probe.ts'
import { type EnoughWithin, enoughWithin, type Until } from './stream-condition.ts'
import type { StreamRecord } from './stream-record.ts'
import type { StreamSocket } from './stream-socket.ts'

/** What the steps of one play share. */
export interface Play {
  readonly connection: StreamSocket
  readonly record: StreamRecord
  /** So many bytes of the record were what a `read` waited for; the rest arrived while sending. */
  consumed: number
  /** What the operating system took. */
  sentBytes: number
}

/**
 * Reads until the condition holds, the peer ends or the time is over. It sees first what arrived during a `send` of the
 * same play, then what an earlier `read` left.
 * @returns whether the condition holds
 */
export function readUntil(
  play: Play,
  until: Until,
  withinMs: Extract<StreamStep, { do: 'read' }>['withinMs'],
): Promise<boolean> {
  const { connection, record } = play
  const enough = afterSending(play, until)
  if (enough === true) return Promise.resolve(true)
  return new Promise((resolve) => {
    let isOver = false
    const finish = (holds: boolean): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      clearTimeout(quiet)
      connection.stop()
      connection.onChange(undefined)
      play.consumed = record.bytes()
      resolve(holds)
    }
    const timer = setTimeout(finish, withinMs, false)
    const quiet =
      until !== 'end' && 'quietMs' in until ? setTimeout(finish, until.quietMs, true) : undefined
    const changed = (): void => {
      finish(until === 'end' && connection.state() === 'end')
    }
    connection.onChange(changed)
    connection.start((piece) => {
      const wanted = enough(piece)
      record.add(piece.subarray(0, wanted))
      quiet?.refresh()
      if (wanted === undefined) return true
      connection.giveBack(Buffer.from(piece.subarray(wanted)))
      finish(true)
      return false
    })
    if (connection.state() !== 'open') changed()
  })
}

/** Counts what arrived while sending: true when that is enough, else what is still to come. */
function afterSending(play: Play, until: Until): EnoughWithin | true {
  const { record, consumed } = play
  const waiting = record.bytes() - consumed
  if (until !== 'end' && 'bytes' in until) {
    play.consumed += Math.min(waiting, until.bytes)
    return waiting >= until.bytes ? true : enoughWithin({ bytes: until.bytes - waiting })
  }
  const enough = enoughWithin(until)
  const wanted = waiting === 0 ? undefined : enough(record.kept().subarray(consumed))
  if (wanted === undefined) return enough
  play.consumed += wanted
  return true
}
