import { HistogramLogReader } from 'hdr-histogram-js'
import t from 'tap'
import { comparedRun, conformantRun, passingRun } from './fixtures.ts'
import { histograms, taggedTrials } from './histograms.ts'

interface Read {
  readonly tag: string
  readonly totalCount: number
  readonly maxValue: number
  readonly p50: number
  readonly startMs: number
}

function readBack(log: string): readonly Read[] {
  const reader = new HistogramLogReader(log)
  const all: Read[] = []
  for (;;) {
    const one = reader.nextIntervalHistogram()
    if (one === null || one === undefined) return all
    all.push({
      tag: one.tag,
      totalCount: one.totalCount,
      maxValue: one.maxValue,
      p50: one.getValueAtPercentile(50),
      startMs: one.startTimeStampMsec,
    })
  }
}

t.test("the library's own reader finds every trial, with its count and its median", (t) => {
  for (const run of [passingRun(), comparedRun()]) {
    const trials = taggedTrials(run)
    const read = readBack(histograms.render([run]))
    t.same(
      read.map(({ tag }) => tag),
      trials.map(({ tag }) => tag),
    )
    for (const [at, { trial }] of trials.entries()) {
      t.equal(read[at]?.totalCount, trial.count)
      if (trial.p50Us !== undefined) t.equal(read[at]?.p50, trial.p50Us)
      t.equal(read[at]?.startMs, Date.parse(trial.startedAt))
    }
  }
  t.end()
})

t.test('its head tells the format, the run and the line that repeats it', (t) => {
  const log = histograms.render([passingRun()])
  t.match(log, /^#\[Histogram log format version 1\.3\]\n/)
  t.match(log, /^#times in microseconds; reproduce: npx meshmark run --seed 2864434397$/m)
  t.match(log, /^Tag=l7-latency\/target\/2\/not-valid,/m)
  t.end()
})

t.test('a result without histograms is refused', (t) => {
  t.throws(() => histograms.render([conformantRun()]), {
    message: /no trial of these results has a histogram/,
    hint: /meshmark bench/,
  })
  t.end()
})
