import t from 'tap'
import type { Sighting } from '../../harness/api.ts'
import { errorWindowMs, longestGapMs, settledIn, settledOn } from './sightings.ts'

function sightings(who: readonly string[]): readonly Sighting[] {
  return who.map((seen, index) => ({
    sentMs: index * 4,
    tookMs: 1,
    answered: seen !== 'refused',
    seen,
  }))
}

const times = (count: number, who: string): readonly string[] =>
  Array.from({ length: count }, () => who)

t.test(
  'a change counts as settled when 25 requests in a row agree, in the order of sending',
  (t) => {
    const settled = settledOn(['a'])
    t.notOk(settled(sightings(times(24, 'a'))), 'too few')
    t.notOk(settled(sightings([...times(24, 'a'), 'b', 'a'])), 'an old one in between')
    t.ok(settled(sightings(['b', ...times(25, 'a')])))
    const late = sightings(['b', ...times(25, 'a')])
    t.ok(
      settled([...late.slice(1), ...late.slice(0, 1)]),
      'an old one that ended late was sent before',
    )
    t.end()
  },
)

t.test('of two pods each has to be seen; of none nobody may answer', (t) => {
  t.notOk(settledOn(['a', 'b'])(sightings(times(40, 'a'))))
  t.ok(settledOn(['a', 'b'])(sightings([...times(24, 'a'), 'b'])))
  t.ok(settledOn([])(sightings(times(25, 'refused'))))
  t.notOk(settledOn([])(sightings([...times(24, 'refused'), 'a'])))
  t.end()
})

t.test('answers may be one of several, and all of the last have to be', (t) => {
  const settled = settledIn(['', 'NXDOMAIN'])
  t.ok(settled(sightings(['a', ...times(20, ''), ...times(5, 'NXDOMAIN')])))
  t.notOk(settled(sightings([...times(24, ''), 'a'])))
  t.notOk(settled(sightings(times(24, ''))), 'too few')
  t.notOk(settledIn(['refused'])(sightings(times(30, 'refused'))), 'nobody answered')
  t.end()
})

t.test('an error window reaches from the first failure to the last', (t) => {
  t.equal(errorWindowMs(sightings(['a', 'a']), 4), 0)
  t.equal(errorWindowMs(sightings(['a', 'refused', 'a']), 4), 4)
  t.equal(errorWindowMs(sightings(['refused', 'a', 'a', 'refused']), 4), 16)
  t.end()
})

t.test('the longest pause of a client', (t) => {
  const three = sightings(['a', 'a', 'a'])
  t.equal(longestGapMs(three, 0, 8), 4)
  t.equal(longestGapMs(three, 4, 30), 22, 'to the end')
  t.equal(longestGapMs([], 5, 7), 2)
  t.end()
})
