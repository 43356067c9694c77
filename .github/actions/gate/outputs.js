// Prints what the action gives as outputs, name=value a line, of the result in a folder.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder = '.'] = process.argv.slice(2)
const path = join(folder, 'result.json')
const { conclusion, gate, walkthrough, conformance } = JSON.parse(readFileSync(path, 'utf8'))
const rows = [...(walkthrough?.steps ?? []), ...(conformance?.tests ?? [])]
const having = (...wanted) => rows.filter(({ status }) => wanted.includes(status)).length
const report = join(folder, 'report.html')
for (const [name, value] of [
  ['conclusion', conclusion],
  ['verdict', gate?.verdict ?? ''],
  ['passed', having('passed')],
  ['failed', having('failed', 'flaky')],
  ['result-path', path],
  ['report-path', existsSync(report) ? report : ''],
])
  console.log(`${name}=${value}`)
