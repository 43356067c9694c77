import t from 'tap'
import { added, tally } from './tally.ts'

t.test(
  'counts innermost assertions, names failures with what is around them, and sums skips by reason',
  (t) => {
    const text = `TAP version 14
# Subtest: a.test.js
    # Subtest: works
        ok 1 - should be equal
        ok 2 - no nginx here # SKIP
        1..2
    ok 1 - works
    # Subtest: breaks
        not ok 1 - one is two
        1..1
    not ok 2 - breaks
    ok 3 - whole test # SKIP needs netem
    1..3
not ok 1 - a.test.js
1..1
`
    const { passed, failed, skipped, failures } = tally(text)
    t.equal(passed, 1)
    t.equal(failed, 1)
    t.same(failures, ['a.test.js > breaks > one is two'])
    t.same(
      [...skipped],
      [
        ['no nginx here', 1],
        ['needs netem', 1],
      ],
    )
    t.end()
  },
)

t.test('a test file that crashed before its first assertion counts as failed', (t) => {
  const text = `TAP version 14
# Subtest: b.test.js
    1..0 # no tests found
not ok 1 - b.test.js
1..1
`
  t.same(tally(text).failures, ['b.test.js'])
  t.end()
})

t.test('a file whose assertions pass but which times out counts as failed', (t) => {
  const text = `TAP version 14
# Subtest: c.test.js
    ok 1 - fine
    1..1
not ok 1 - c.test.js # time=30000ms
1..1
`
  const { passed, failures } = tally(text)
  t.equal(passed, 1)
  t.same(failures, ['c.test.js'])
  t.end()
})

t.test('the tallies of two runs add up, and a run of nothing adds nothing', (t) => {
  const one = tally('TAP version 14\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no kind here\n1..3\n')
  const both = added(added(one, tally('')), one)
  t.equal(both.passed, 2)
  t.same(both.failures, ['b', 'b'])
  t.same([...both.skipped], [['no kind here', 2]])
  t.end()
})
