import t from 'tap'
import { Chooser, keyOf } from './chooser.ts'

const three = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => ({ address, port: 80 }))
const none: ReadonlySet<string> = new Set()

function chosen(chooser: Chooser, client: string, times: number, nowMs = 0): readonly string[] {
  return Array.from({ length: times }, () => {
    const one = chooser.choose(client, none, nowMs)
    return one === undefined ? 'none' : keyOf(one)
  })
}

t.test('round robin takes turns, and passes over those that refused', (t) => {
  const chooser = new Chooser()
  chooser.update(three, 'round-robin', undefined)
  t.equal(new Set(chosen(chooser, 'a', 3)).size, 3)
  const tried = new Set([keyOf(three[0] ?? { address: '', port: 0 })])
  for (let i = 0; i < 6; i += 1)
    t.not(chooser.choose('a', tried, 0)?.address, '10.0.0.1', 'not the one that refused')
  t.equal(chooser.choose('a', new Set(three.map(keyOf)), 0), undefined)
  t.end()
})

t.test('affinity holds while it is used, and moves when its endpoint goes', (t) => {
  const chooser = new Chooser()
  chooser.update(three, 'round-robin', 10)
  t.equal(new Set(chosen(chooser, 'a', 20)).size, 1)
  t.ok(
    new Set(['a', 'b', 'c', 'd', 'e', 'f'].flatMap((client) => chosen(chooser, client, 1))).size >
      1,
  )
  const [before = ''] = chosen(chooser, 'a', 1, 9_000)
  t.same(chosen(chooser, 'a', 1, 18_000), [before], 'use refreshes it')
  chooser.update(
    three.filter((one) => keyOf(one) !== before),
    'round-robin',
    10,
  )
  t.not(chosen(chooser, 'a', 1, 18_000)[0], before)
  chooser.sweep(60_000)
  t.end()
})

t.test('a source address leads to one endpoint, on every node and after a restart', (t) => {
  const [one, other] = [new Chooser(), new Chooser()]
  one.update(three, { kind: 'source-address' }, undefined)
  other.update(three, { kind: 'source-address' }, undefined)
  const clients = Array.from({ length: 64 }, (_, i) => `10.1.0.${i}`)
  t.same(
    clients.map((client) => chosen(one, client, 1)),
    clients.map((client) => chosen(other, client, 1)),
  )
  t.equal(new Set(clients.flatMap((client) => chosen(one, client, 2))).size, 3)
  t.end()
})
