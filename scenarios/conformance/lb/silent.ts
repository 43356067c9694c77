import { setTimeout as delay } from 'node:timers/promises'
import type { Check } from '../../../harness/api.ts'
import { volley } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { names, rules } from '../support/rules.fixture.ts'
import { frontOf, isHashed, isSpread, type Way, ways } from '../support/balance.ts'

/** Clients that connect and say nothing. */
const silentClients = 3

/** A slow machine has as many tries; who waits for the silent ones fails all of them. */
const tries = 5

/** A proxy that waits for a header must not make others wait. */
export const silent: readonly Check[] = [
  {
    requirement: 'LB-HOL-001',
    sends: `while ${silentClients} clients of a Service balanced by a header are connected and silent: a connection to tcp-0 and a request to http-0 of another Service`,
    expects: `each is answered within the bound, in one of ${tries} tries`,
    fixtures: [rules],
    run: async (context) => {
      const judgement = new Judgement()
      const hashed = await frontOf(context, rules, 'by-header')
      const other = await frontOf(context, rules, 'plain')
      if (!(await isHashed(context, judgement, hashed, 'before')).accepted)
        return judgement.assessment('')
      if (!(await isSpread(context, judgement, other, names(3), { label: 'before' })))
        return judgement.assessment('')
      const probe = await context.probe(hashed.at)
      for (let client = 0; client < silentClients; client += 1) {
        const job = { host: hashed.host, port: 80, timeoutMs: 5_000 }
        const stream = await probe.stream(job, context)
        context.keep(stream)
        judgement.equal(`silent client ${client + 1}`, 'opened', stream.opened.kind)
      }
      // why: the proxy has accepted them, and waits
      await delay(200, undefined, context)
      const told: string[] = []
      for (const way of ways) {
        const tookMs = await quickest(way)
        judgement.atMost(`${way}: the quickest answer`, context.threshold('connectMs'), tookMs)
        told.push(`${way}: ${Math.round(tookMs)} ms`)
      }
      return judgement.assessment(told.join('; '))

      async function quickest(way: Way): Promise<number> {
        const all: number[] = []
        for (let turn = 0; turn < tries; turn += 1) {
          const seen = await volley(context, other.at, {
            host: other.host,
            port: way === 'tcp' ? 81 : 80,
            ...(way === 'http' && { http: [{ path: '/' }] }),
          })
          all.push(seen.answers.length === 0 ? Infinity : seen.slowestMs)
          if (Math.min(...all) <= context.threshold('connectMs')) break
        }
        return Math.min(...all)
      }
    },
  },
]
