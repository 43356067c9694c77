import t from 'tap'
import * as format from './format.ts'

t.test('numbers have three significant digits, and whole thousands with separators', (t) => {
  const told: readonly (readonly [number | undefined, string])[] = [
    [0, '0'],
    [0.000_41, '0.00041'],
    [0.012_34, '0.0123'],
    [7.754, '7.75'],
    [41.66, '41.7'],
    [999.4, '999'],
    [1234.5, '1,235'],
    [12_345_678, '12,345,678'],
    [-3.21, '−3.21'],
    [undefined, '–'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
  ]
  for (const [value, text] of told) t.equal(format.number(value), text)
  t.end()
})

t.test('quantities keep their unit on the same line, absent ones have none', (t) => {
  t.equal(format.quantity(212, 'us'), '212\u00A0µs')
  t.equal(format.quantity(20_958.4, 'req/s'), '20,958\u00A0req/s')
  t.equal(format.quantity(undefined, 'us'), '–')
  t.end()
})

t.test('effects carry their sign or their ×, intervals both ends', (t) => {
  const difference = {
    metric: 'm',
    kind: 'difference',
    unit: 'us',
    estimate: 1,
    pairs: [],
  } as const
  t.equal(format.effectText(7.75, difference), '+7.75\u00A0µs')
  t.equal(format.effectText(-7.75, difference), '−7.75\u00A0µs')
  t.equal(format.intervalText({ ...difference, interval: [-2, 13] }), '−2 to +13\u00A0µs')
  const ratio = { metric: 'm', kind: 'ratio', unit: 'x', estimate: 1, pairs: [] } as const
  t.equal(format.intervalText({ ...ratio, interval: [0.9421, 1.1] }), '0.942× to 1.100×')
  t.equal(format.intervalText(ratio), '–')
  t.end()
})

t.test('durations and sizes are told in the unit that people would choose', (t) => {
  t.same(
    [0, 9.14, 612, 999.6, 12_345, 59_999, 84_310, 119_999].map((ms) =>
      format.duration(ms).replaceAll('\u00A0', ' '),
    ),
    ['0.0 ms', '9.1 ms', '612 ms', '1.0 s', '12.3 s', '1 min 0 s', '1 min 24 s', '2 min 0 s'],
  )
  t.same(
    [512, 7_937].map((mib) => format.mebibytes(mib).replaceAll('\u00A0', ' ')),
    ['512 MiB', '7.75 GiB'],
  )
  t.end()
})

t.test('instants are told in UTC, and what is no instant as it is', (t) => {
  t.equal(format.instant('2025-11-24T03:11:04.213Z'), '24 Nov 2025, 03:11 UTC')
  t.equal(format.instant('yesterday'), 'yesterday')
  t.end()
})
