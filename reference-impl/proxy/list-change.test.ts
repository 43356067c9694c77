import t from 'tap'
import { Few, listChange } from './list-change.ts'

interface Thing {
  readonly number: number
}

/** Uniform from 0 to below `limit`: the multiplicative generator of Park and Miller. */
function dice(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647
    return state % limit
  }
}

function changed(roll: (limit: number) => number, list: readonly Thing[]): readonly Thing[] {
  const next = [...list]
  for (let edits = roll(6); edits > 0; edits -= 1) {
    const at = roll(next.length + 1)
    const thing = { number: roll(100) }
    const kind = roll(4)
    if (kind === 0) next.splice(at, 1)
    else if (kind === 1) next.splice(at, 0, thing)
    else if (kind === 2) next.splice(at, 1, thing)
    else next.push(...next.splice(at, 1))
  }
  return next
}

t.test(
  'what only one list has is found wherever it stands, and the rest is not told twice',
  async (t) => {
    const roll = dice(7)
    const few = new Few(({ number }: Thing) => (number % 10 === 0 ? number : undefined))
    let list: readonly Thing[] = []
    for (let step = 0; step < 500; step += 1) {
      const next = changed(roll, list)
      const kept: [number, number][] = []
      const { gone, added } = listChange(list, next, (from, to) => void kept.push([from, to]))
      t.same(gone, new Set(list.filter((one) => !next.includes(one))))
      t.same(added, new Set(next.filter((one) => !list.includes(one))))
      t.ok(kept.every(([from, to]) => list[from] === next[to]))
      const isChanged = few.follow(next)
      const values = next.flatMap(({ number }) => (number % 10 === 0 ? [number] : []))
      t.same([...few.values].sort(), values.sort())
      if ([...gone, ...added].every(({ number }) => number % 10 !== 0)) t.notOk(isChanged)
      list = next
    }
  },
)
