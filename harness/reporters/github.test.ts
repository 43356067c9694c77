import t from 'tap'
import {
  comparedRun,
  conformantRun,
  failingRun,
  invalidRun,
  nonConformantRun,
  partialRun,
  passingRun,
  unansweredRun,
} from './fixtures.ts'
import { github } from './github.ts'

/** As GitHub's runner reads it: one line, the properties, the message. */
function read(text: string): readonly { kind: string; title: string; message: string }[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const found = /^::(error|warning) title=([^:,\r\n]*)::([^\r\n]*)$/.exec(line)
      if (found === null) throw new Error(`no workflow command: ${line}`)
      const plain = (part: string = ''): string =>
        part
          .replaceAll('%0A', '\n')
          .replaceAll('%0D', '\r')
          .replaceAll('%3A', ':')
          .replaceAll('%2C', ',')
          .replaceAll('%25', '%')
      const [, kind = '', title, message] = found
      return { kind, title: plain(title), message: plain(message) }
    })
}

t.test('a run that passes has no annotations', (t) => {
  t.equal(github.render([passingRun(), conformantRun()]), '')
  t.end()
})

t.test('a MUST that fails is an error with what was seen and how to repeat it', (t) => {
  const all = read(github.render([nonConformantRun()]))
  t.match(
    all.find(({ title }) => title.startsWith('DNS-A-003: ')),
    {
      kind: 'error',
      message:
        /^failed MUST: 12 of 1000[^]*\nexpected: 10\.96[^]*\nobserved: [^]*\nreproduce: npx meshmark conform/,
    },
  )
  t.match(
    all.find(({ title }) => title.startsWith('DNS-HDL-003: ')),
    { kind: 'warning' },
    'a SHOULD is a warning',
  )
  t.match(
    all.find(({ title }) => title.startsWith('L4-UDP-006: ')),
    { kind: 'error', message: /^flaky MUST/ },
  )
  t.match(
    all.find(({ title }) => title.startsWith('EDGE-OFF-002: ')),
    { kind: 'warning' },
    'trouble of the harness is no failure',
  )
  t.notOk(
    all.some(({ title }) => title.startsWith('LB-CH-008')),
    'a known issue is nothing new',
  )
  t.match(
    all.find(({ title }) => title.startsWith('problem')),
    { kind: 'warning' },
  )
  t.end()
})

t.test('what a target answered can neither end the line nor give a command of its own', (t) => {
  const run = nonConformantRun()
  const { conformance } = run
  if (conformance === undefined) throw new Error('the fixture has no conformance result')
  const tests = conformance.tests.map((test) =>
    test.id === 'DNS-A-003'
      ? {
          ...test,
          title: 'a, b: c',
          observed: 'x\r\n::error title=forged::y\n::stop-commands::z 5%',
        }
      : test,
  )
  const all = read(github.render([{ ...run, conformance: { ...conformance, tests } }]))
  t.notOk(all.some(({ title }) => title === 'forged'))
  t.match(
    all.find(({ title }) => title === 'DNS-A-003: a, b: c'),
    { message: /observed: x\n::error title=forged::y\n::stop-commands::z 5%/ },
  )
  t.end()
})

t.test('of more than ten errors the last one names the others: GitHub would drop them', (t) => {
  const all = read(github.render([nonConformantRun(6)]))
  for (const kind of ['error', 'warning'])
    t.ok(all.filter((one) => one.kind === kind).length <= 10, kind)
  const many = conformantRun(3)
  const { conformance } = many
  if (conformance === undefined) throw new Error('the fixture has no conformance result')
  const tests = conformance.tests.map((test) =>
    test.level === 'MUST' && test.status === 'passed'
      ? { ...test, status: 'failed' as const, reason: 'no' }
      : test,
  )
  const errors = read(github.render([{ ...many, conformance: { ...conformance, tests } }]))
  const failed = tests.filter(({ status }) => status === 'failed')
  t.equal(errors.length, 10)
  t.match(errors.at(-1), { title: `${failed.length - 9} more, in the job's summary` })
  t.match(errors.at(-1)?.message, failed.at(-1)?.id ?? '?')
  t.end()
})

t.test('steps, questions without a valid trial, metrics that got worse', (t) => {
  t.match(read(github.render([failingRun()])), [{ kind: 'error', message: /expected: / }])
  t.match(read(github.render([invalidRun()])), [
    { kind: 'error', title: 'l4-throughput: no valid trial', message: /event loop 97 % busy/ },
  ])
  t.match(read(github.render([unansweredRun()])), [{ kind: 'error', title: /: no answer$/ }])
  t.match(read(github.render([comparedRun()])), [
    {
      kind: 'error',
      title: 'l7-latency/value: worse against git:v0.1.0 (meshmark reference data plane 0.1.0)',
      message: /\+11\.0\s%/,
    },
  ])
  t.match(read(github.render([partialRun()])), [{ kind: 'warning', title: /partial$/ }])
  t.end()
})
