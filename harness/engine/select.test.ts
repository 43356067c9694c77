import fc from 'fast-check'
import t from 'tap'
import { UsageError } from '../model/errors.ts'
import type { CatalogueFeature, Level, Profile, Requirement } from '../model/requirement.ts'
import { select, type Selection, shuffle } from './select.ts'

const rows = [
  row('DNS-A-001', 'DNS', 'MUST'),
  row('DNS-A-002', 'DNS', 'SHOULD'),
  row('DNS-AAAA-001', 'DNS', 'MUST', 'ipv6'),
  row('L4-TCP-001', 'L4', 'MUST'),
  row('L4-NP-001', 'L4', 'MAY', 'nodePort'),
]

function row(id: string, profile: Profile, level: Level, feature?: CatalogueFeature): Requirement {
  const fixed = { environment: 'B', disruptive: false, slow: false } as const
  const said = { sources: [{ ref: 'H' }], sentence: 'A is sent → B.', thresholds: {} }
  return { id, profile, level, ...fixed, ...said, ...(feature !== undefined && { feature }) }
}

function ids(selection: Selection): readonly string[] {
  return select(rows, selection).map(({ id }) => id)
}

t.test(
  'rows are selected by profile, glob, level and feature, and have to fit all of them',
  (t) => {
    t.equal(ids({}).length, rows.length)
    t.same(ids({ profile: 'l4' }), ['L4-TCP-001', 'L4-NP-001'])
    t.same(ids({ only: 'DNS-A-*' }), ['DNS-A-001', 'DNS-A-002'])
    t.same(ids({ only: 'l4-np-00?, DNS-A-002' }), ['DNS-A-002', 'L4-NP-001'])
    t.same(ids({ level: 'SHOULD,MAY' }), ['DNS-A-002', 'L4-NP-001'])
    t.same(ids({ feature: 'nodeport' }), ['L4-NP-001'])
    t.same(ids({ feature: 'core', level: 'must' }), ['DNS-A-001', 'L4-TCP-001'])
    t.same(ids({ profile: 'DNS', level: 'MUST', only: '*001' }), ['DNS-A-001', 'DNS-AAAA-001'])
    t.end()
  },
)

t.test('what fits no row is a wrong use, told with what is near', (t) => {
  const wrong = (selection: Selection): UsageError => {
    try {
      select(rows, selection)
    } catch (error) {
      if (error instanceof UsageError) return error
    }
    throw new Error('nothing was thrown')
  }
  t.match(wrong({ only: 'DNS-A-01' }), {
    message: '--only: "DNS-A-01" matches no row of the catalogue',
    hint: /^near it: DNS-A-001, /,
  })
  t.match(wrong({ only: 'DNS-A-001,L4-TPC-*' }), { hint: /^near it: L4-TCP-001, / })
  t.match(wrong({ only: 'DNS.A.001' }), { message: /matches no row/ })
  t.match(wrong({ profile: 'DSN' }), { message: '--profile: got "DSN", want one of DNS, L4' })
  t.match(wrong({ level: 'MUST,' }), { message: /--level: got "MUST,"/ })
  t.match(wrong({ feature: 'sctp' }), { message: /want one of core, ipv6, nodePort/ })
  t.match(wrong({ profile: 'DNS', only: 'L4-*' }), {
    message: 'no row of the catalogue fits --profile DNS --only L4-*',
  })
  for (const shard of ['0/3', '4/3', '1', '1/0', 'a/b', '1/3/5', '-1/3'])
    t.match(wrong({ shard }), {
      message: `--shard: got "${shard}", want i/n with 1 <= i <= n, e.g. 1/3`,
    })
  t.end()
})

const manyRows = fc
  .uniqueArray(fc.stringMatching(/^[A-Z]{1,6}-\d{3}$/), { minLength: 1, maxLength: 60 })
  .map((list) => list.map((id) => row(id, 'DNS', 'MUST')))

t.test(
  'shards are disjoint, hold every row, keep the order, and do not move when rows are added',
  (t) => {
    const property = fc.property(
      manyRows,
      fc.integer({ min: 1, max: 9 }),
      fc.nat(),
      (rows, parts, at) => {
        const shards = Array.from({ length: parts }, (_, index) =>
          select(rows, { shard: `${index + 1}/${parts}` }),
        )
        const all = shards.flat()
        const fewer = rows.filter((_, index) => index !== at % rows.length)
        const placed = (shard: readonly Requirement[] | undefined): boolean =>
          fewer.length === 0 ||
          JSON.stringify(select(fewer, { shard: `1/${parts}` })) ===
            JSON.stringify(shard?.filter((row) => fewer.includes(row)))
        return (
          all.length === rows.length &&
          rows.every((row) => all.includes(row)) &&
          shards.every((shard) => isSorted(shard.map((row) => rows.indexOf(row)))) &&
          placed(shards[0])
        )
      },
    )
    fc.assert(property)
    t.end()
  },
)

function isSorted(values: readonly number[]): boolean {
  return values.every((value, index) => index === 0 || value > (values[index - 1] ?? 0))
}

t.test('a shuffle keeps every row, and its seed alone decides the order', (t) => {
  const property = fc.property(manyRows, fc.nat(), (rows, seed) => {
    const shuffled = shuffle(rows, seed)
    return (
      shuffled.length === rows.length &&
      rows.every((row) => shuffled.includes(row)) &&
      JSON.stringify(shuffle([...rows].reverse(), seed)) === JSON.stringify(shuffled)
    )
  })
  fc.assert(property)
  const orders = new Set([1, 2, 3, 4, 5].map((seed) => JSON.stringify(shuffle(rows, seed))))
  t.ok(orders.size > 1, 'seeds differ')
  t.end()
})
