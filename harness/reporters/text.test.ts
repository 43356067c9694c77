import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import t from 'tap'
import { counted, cut, shellLine, shortened, visible } from './text.ts'

t.test('control characters are written out, line ends and tabs stay', (t) => {
  t.equal(
    visible('a\u001B[31mb\u0000\u0085\r\nc\td\re'),
    String.raw`a\x1b[31mb\x00\x85` + '\nc\td' + String.raw`\x0de`,
  )
  t.equal(
    visible('lone \uD800 pair \u{1F600} none \uFFFE'),
    'lone \uFFFD pair \u{1F600} none \uFFFD',
  )
  t.end()
})

t.test('a shell reads back the words that a line was made of', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary' }).filter((word) => !word.includes('\0'))),
      (words) => {
        const printed = execFileSync(
          'sh',
          ['-c', `for w in ${shellLine(words)}; do printf '%s\\0' "$w"; done`],
          { encoding: 'utf8' },
        )
        t.same(
          printed.split('\0').slice(0, -1),
          words.map((word) => Buffer.from(word).toString()),
        )
      },
    ),
    { seed: 3, numRuns: 40, examples: [[["./my adapter's.js", '', '$HOME', '`id`', '*']]] },
  )
  t.end()
})

t.test('what is left out is said', (t) => {
  t.equal(cut('abcdef', 6), 'abcdef')
  t.equal(cut('abcdef', 4), 'abcd\n… 2 more characters in result.json')
  t.equal(shortened('edge-node-a', 6), 'edge-…')
  t.same([counted(1, 'step'), counted(2, 'step')], ['1 step', '2 steps'])
  t.end()
})
