import t from 'tap'
import type { Experiment } from '../../model/experiment.ts'
import { stage } from '../stage.ts'
import { clusterDouble, deployedDouble, generatorDouble, probeDouble } from '../testing/doubles.ts'
import { type ExperimentsInit, runExperiments } from './run-experiments.ts'

const reason = '10.96.0.99:12345 cannot be measured from edge-node-a: refused'

const experiment: Experiment = {
  id: 'l7-capacity',
  title: 'How much?',
  means: 'so much',
  load: 'requests',
  metrics: [],
  uses: ['l4', 'l7'],
  replicates: { quick: 1, full: 1 },
  replicateS: 1,
  run: () => {
    throw new Error('it ran')
  },
}

t.test(
  'an experiment whose ground is missing is not run, and unanswered with the reason',
  async (t) => {
    const lines: string[] = []
    const scene = stage(clusterDouble([]), deployedDouble([]), {
      connectProbe: () => probeDouble,
      connectLoad: () => generatorDouble(() => ({})),
    })
    const init = {
      experiments: [experiment],
      stage: scene,
      facts: { missing: { l7: reason } },
      tell: (event: { readonly line?: string }) => lines.push(event.line ?? ''),
      signal: new AbortController().signal,
    } as unknown as ExperimentsInit
    t.match(await runExperiments(init), [
      { status: 'unanswered', reason, answer: `No answer: ${reason}.`, replicates: [] },
    ])
    t.same(lines, [`l7-capacity: left out: ${reason}`])
  },
)
