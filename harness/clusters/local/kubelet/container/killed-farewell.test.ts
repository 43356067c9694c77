import t from 'tap'
import { killedFarewell } from './killed-farewell.ts'

const line = 'unshare: sigprocmask unblock failed: Invalid argument\n'

t.test('the last line of unshare is taken out, in whatever pieces it comes', (t) => {
  for (const size of [1, 7, 9, 200]) {
    const text = `unshare: not this\nun${line}`
    const taken = killedFarewell()
    let kept = ''
    for (let at = 0; at < text.length; at += size)
      kept += taken.without(Buffer.from(text.slice(at, at + size))).toString()
    kept += taken.rest().toString()
    t.equal(kept, 'unshare: not this\nun', `pieces of ${size}`)
    t.equal(taken.wasSaid(), true)
  }
  t.end()
})

t.test('what only begins like it is the container’s own', (t) => {
  const taken = killedFarewell()
  const kept = taken.without(Buffer.from('unshare: sig')).toString() + taken.rest().toString()
  t.equal(kept, 'unshare: sig')
  t.equal(taken.wasSaid(), false)
  t.end()
})
