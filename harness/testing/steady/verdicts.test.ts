import t from 'tap'
import { describeDifferences, differences } from './verdicts.ts'

const passed = new Map([
  ['A', 'passed'],
  ['B', 'passed'],
])
t.equal(describeDifferences(differences([passed, passed]), 2), '2 runs, not one verdict differs')
t.equal(
  describeDifferences(differences([passed, passed, new Map([['A', 'error']])]), 3),
  '3 runs, 2 rows differ:\n  A: 2 x passed, 1 x error\n  B: 2 x passed, 1 x missing',
)
