import type { Check } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { request } from '../support/connect.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { secondAgent } from '../support/second-agent.ts'
import { staysAlive } from './alive.ts'

/** A program that only reads its settings has to end by then. */
const endsMs = 30_000

/** What the agent is told. */
export const settings: readonly Check[] = [
  {
    requirement: 'ROB-CFG-001',
    sends: "a copy of the agent's pod on a node, with a value that one of its settings cannot have",
    expects:
      'it ends with another exit code than 0 and a line that names the setting; the first agent is the same process and serves',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: (context) => {
      const { refuses } = context.target.documented ?? {}
      if (refuses === undefined)
        return Promise.resolve(skipped('the target does not say which setting it has to refuse'))
      return staysAlive(async ({ judgement }) => {
        const { node } = inPod(context)
        const seen = await secondAgent(context, { ...refuses, node, withinMs: endsMs })
        if (seen === undefined) throw new Error('the target does not tell its pods')
        const { code, log } = seen
        const naming = log.split('\n').filter((line) => line.includes(refuses.key))
        judgement
          .holds(
            'exit code',
            'other than 0',
            code === undefined ? `it runs on after ${endsMs / 1_000} s` : String(code),
            code !== undefined && code !== 0,
          )
          .holds(
            `lines that name ${refuses.key}`,
            'at least one',
            naming[0] ?? log.slice(-300),
            naming.length > 0,
          )
        return `exit code ${String(code)}: ${naming[0] ?? ''}`
      })(context)
    },
  },
  {
    requirement: 'ROB-CFG-002',
    sends:
      "its arguments for help and for the version to copies of the agent's pod, and a request to its version endpoint, where it has one",
    expects: 'exit code 0 with a text that has a version in it, or with a usage; HTTP 200',
    capabilities: ['node-access'],
    timeoutMs: 180_000,
    run: async (context) => {
      const { tellsBy } = context.target.documented ?? {}
      if (tellsBy === undefined || context.target.pods === undefined)
        return skipped('the target does not say by which arguments it tells of itself')
      const judgement = new Judgement()
      const { node } = inPod(context)
      const said: string[] = []
      for (const [what, args, wanted] of [
        ['help', tellsBy.help, /usage|flags|options|--\w/i],
        ['version', tellsBy.version, /\d+\.\d+/],
      ] as const) {
        const seen = await secondAgent(context, { node, args, instead: true, withinMs: endsMs })
        judgement
          .equal(`${what}: exit code`, 0, seen?.code)
          .holds(
            `${what}: text`,
            String(wanted),
            (seen?.log ?? '').slice(0, 200),
            wanted.test(seen?.log ?? ''),
          )
        said.push(`${args.join(' ')}: ${(seen?.log ?? '').trim().split('\n')[0] ?? ''}`)
      }
      const { version } = context.target.tells ?? {}
      if (version !== undefined) {
        const answer = await request(context, onHost(context), version)
        const text = answer.kind === 'http' ? `${answer.status} ${answer.body}` : answer.kind
        judgement.holds(
          'version endpoint',
          '200 and a version',
          text,
          /^200 .*\d+\.\d+/s.test(text),
        )
        said.push(`${version}: ${text.trim()}`)
      }
      return judgement.assessment(said.join('; '))
    },
  },
]
