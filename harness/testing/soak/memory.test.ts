import t from 'tap'
import { judgeMemory, type MemoryLook } from './memory.ts'

const mib = 2 ** 20

/** A look each 10 000 of a million. */
function looks(rssMib: (sent: number) => number): readonly MemoryLook[] {
  return Array.from({ length: 101 }, (_, index) => {
    const sent = index * 10_000
    return { sent, rssBytes: rssMib(sent) * mib }
  })
}

function verdicts(seen: readonly MemoryLook[], warmAfter = 400_000): readonly unknown[] {
  return judgeMemory(seen, warmAfter).map(({ ok }) => ok)
}

t.same(
  verdicts(looks((sent) => 60 + 30 * Math.min(1, sent / 300_000))),
  [true, true],
  'caches fill',
)
t.same(
  verdicts(looks((sent) => 60 + (sent / 10_000) * 0.1)),
  [true, false],
  'a leak of 10 bytes each',
)
t.same(verdicts(looks((sent) => (sent === 500_000 ? 150 : 60))), [false, true], 'too much, once')
t.same(verdicts(looks((sent) => 80 + 10 * ((sent / 10_000) % 2))), [true, true], 'a heap breathes')
t.same(verdicts(looks(() => 60).slice(0, 50)), [true, undefined], 'too short for a trend')
t.same(verdicts(looks(() => 60).filter((_, index) => index % 20 === 0)), [true, false], 'few looks')
t.same(verdicts([]), [false, undefined], 'nobody looked')
