import { decodeFromCompressedBase64, HistogramLogWriter } from 'hdr-histogram-js'
import { UsageError } from '../model/errors.ts'
import type { Reporter } from '../model/reporter.ts'
import type { BenchTrial, RunResult } from '../model/run-result.ts'
import { reproduceCommand, suiteText } from './reproduce.ts'
import { subjectName } from './verdict.ts'

/** Times are microseconds; the log's column of largest values is milliseconds. */
const microsecondsPerMs = 1_000

/**
 * Response times of every trial as a histogram log of HdrHistogram, format 1.3: a line per trial, its histogram in V2
 * compressed form. HdrHistogram's own tools in any language read it. Tags are `question/arm/pair`; a trial that was not
 * valid, which happens to be run again, has `/not-valid` at the end of its tag.
 */
export const histograms: Reporter = {
  id: 'hlog',
  extension: '.hlog',
  render: (results) => {
    const lines = results.flatMap(logOf)
    if (lines.length > 0) return lines.join('')
    throw new UsageError('no trial of these results has a histogram, which hlog shows', [], {
      hint: 'name a run of `meshmark bench` or `meshmark run`, or choose another --format',
    })
  },
}

/** A trial of a result, with the tag that tells it. */
export function taggedTrials({ bench, gate }: RunResult): readonly {
  readonly tag: string
  readonly trial: BenchTrial
}[] {
  return [...(bench?.questions ?? []), ...(gate?.questions ?? [])].flatMap(({ id, arms }) =>
    arms.flatMap((arm) =>
      arm.trials.map((trial) => ({
        tag: `${id}/${arm.id}/${trial.pair}${trial.valid ? '' : '/not-valid'}`,
        trial,
      })),
    ),
  )
}

function logOf(result: RunResult): readonly string[] {
  const trials = taggedTrials(result).filter(({ trial }) => (trial.histogram ?? '') !== '')
  if (trials.length === 0) return []
  const lines: string[] = []
  const log = new HistogramLogWriter((text) => {
    lines.push(text)
  })
  log.outputLogFormatVersion()
  log.outputComment(`${subjectName(result)}, run ${result.runId}, ${suiteText(result)}`)
  log.outputComment(`times in microseconds; reproduce: ${reproduceCommand(result)}`)
  log.outputStartTime(Date.parse(result.startedAt))
  log.outputLegend()
  for (const { tag, trial } of trials) {
    const histogram = decodeFromCompressedBase64(trial.histogram ?? '', 32, false)
    histogram.tag = tag
    const start = Date.parse(trial.startedAt) / 1000
    log.outputIntervalHistogram(histogram, start, start + secondsOf(trial), microsecondsPerMs)
  }
  return lines
}

/** Its window, from what it completed at which rate. */
function secondsOf({ count, achievedRps }: BenchTrial): number {
  return achievedRps > 0 ? count / achievedRps : 0
}
