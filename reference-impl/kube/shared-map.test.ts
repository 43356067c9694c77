import t from 'tap'
import { SharedMap } from './shared-map.ts'

t.test(
  'it says what a Map says after the same changes, and earlier ones stay as they were',
  async (t) => {
    const plain = new Map<string, number>()
    let shared = SharedMap.empty<number>()
    for (let step = 0; step < 2000; step += 1) {
      const key = `default/s${(step * 7919) % 500}`
      const before = shared
      const copy = new Map(before)
      const value = step % 3 === 0 ? undefined : step
      if (value === undefined) plain.delete(key)
      else plain.set(key, value)
      shared = shared.with([[key, value]])
      t.equal(shared.get(key), value)
      t.equal(shared.has(key), value !== undefined)
      t.equal(shared.size, plain.size)
      if (step % 100 === 0) t.same(new Map(before), copy, 'the one before')
    }
    t.same(new Map(shared), plain)
    t.same([...shared.keys()].sort(), [...plain.keys()].sort())
    t.same([...shared.values()].sort(), [...plain.values()].sort())
    const seen: string[] = []
    shared.forEach((value, key, map) => seen.push(`${key} ${value} ${map.size}`))
    t.equal(seen.length, plain.size)
  },
)

t.test('what stayed keeps its place', async (t) => {
  const keys = Array.from({ length: 1000 }, (_, i) => `n${i % 7}/s${i}`)
  const all = SharedMap.empty<number>().with(keys.map((key, i) => [key, i]))
  const less = all.with([['n0/s0', undefined]])
  t.same(
    [...less.keys()],
    [...all.keys()].filter((key) => key !== 'n0/s0'),
  )
})
