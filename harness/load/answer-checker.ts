import { createHash } from 'node:crypto'
import type { LoadTarget } from '../model/load.ts'
import { answered, type Outcome } from './outcome.ts'

type Expected = Extract<LoadTarget, { kind: 'http' | 'http-connect' }>['expect']

/** Checks every answer: the first by its hash, all others byte by byte against the first. */
export interface AnswerChecker {
  /** @param body - only read during the call */
  check(status: number, body: Buffer): Outcome
}

export function answerChecker(expect: Expected): AnswerChecker {
  let known: Buffer | undefined
  return {
    check: (status, body) => {
      // why: a proxy that gives up says so itself (5xx); anything else that is not the page is a stranger's
      if (status !== expect.status && status >= 500)
        return { kind: 'failed', why: `status ${status}` }
      if (status !== expect.status) return { kind: 'foreign', detail: `status ${status}` }
      if (known?.equals(body) === true) return answered
      const hash = createHash('sha256').update(body).digest('hex')
      if (hash !== expect.bodySha256)
        return { kind: 'foreign', detail: `a body of ${body.length} bytes that is not the page` }
      known = Buffer.from(body)
      return answered
    },
  }
}
