import t from 'tap'
import { hashText, slotOf, slotTable } from './slots.ts'

const endpoints = (count: number): { address: string; port: number }[] =>
  Array.from({ length: count }, (_, i) => ({ address: `10.244.${i >> 8}.${i & 255}`, port: 8080 }))
const keys = Array.from({ length: 1000 }, (_, i) => `user-${i}`)
const slots = 4096

/** Key to the address that it leads to. */
const mapping = (to: readonly { address: string; port: number }[]): ReadonlyMap<string, string> => {
  const table = slotTable(to, slots)
  return new Map(
    keys.map((key) => [key, to[table[slotOf(hashText(key), slots)] as number]?.address ?? 'none']),
  )
}

t.test('a thousand keys spread over every endpoint, none above its bound', (t) => {
  for (const count of [1, 2, 3, 5, 16, 64]) {
    const all = endpoints(count)
    const owned = new Uint32Array(count)
    for (const index of slotTable(all, slots)) owned[index] = (owned[index] ?? 0) + 1
    t.ok(Math.min(...owned) > 0, `${count}: each has slots`)
    t.ok(Math.max(...owned) <= Math.ceil((slots / count) * 1.25), `${count}: bounded`)
  }
  const tally = new Map<string, number>()
  for (const address of mapping(endpoints(5)).values())
    tally.set(address, (tally.get(address) ?? 0) + 1)
  t.equal(tally.size, 5)
  t.ok(Math.max(...tally.values()) / 200 <= 1.35, JSON.stringify([...tally]))
  t.end()
})

t.test('an endpoint that goes takes only its own keys along', (t) => {
  const all = endpoints(5)
  const before = mapping(all)
  for (const gone of all) {
    const after = mapping(all.filter((one) => one !== gone))
    const moved = keys.filter((key) => before.get(key) !== after.get(key))
    t.ok(moved.length > 0)
    t.same(
      moved.filter((key) => before.get(key) !== gone.address),
      [],
      gone.address,
    )
  }
  t.end()
})

t.test('a sixth endpoint takes about a sixth, from all others', (t) => {
  const [five, six] = [mapping(endpoints(5)), mapping(endpoints(6))]
  const moved = keys.filter((key) => five.get(key) !== six.get(key))
  t.ok(moved.every((key) => six.get(key) === '10.244.0.5'))
  t.ok(moved.length > 100 && moved.length < 250, `${moved.length} of 1000 moved`)
  t.equal(new Set(moved.map((key) => five.get(key))).size, 5)
  t.end()
})

t.test('the order of endpoints does not matter, their address and port do', (t) => {
  const all = endpoints(7)
  t.same(mapping([...all].reverse()), mapping(all))
  t.notSame(mapping(all.map((one) => ({ ...one, port: 81 }))), mapping(all))
  t.end()
})

t.test('the mapping is the same in every release: clients would move otherwise', (t) => {
  t.same(
    keys.slice(0, 8).map((key) => mapping(endpoints(5)).get(key)?.at(-1)),
    ['4', '4', '2', '3', '2', '0', '4', '1'],
  )
  t.end()
})
