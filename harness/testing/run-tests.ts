import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { setUp } from '../cli/doctor/install.ts'
import { errorReport } from '../cli/fail.ts'
import { root } from './sources.ts'
import { added, tally } from './tally.ts'

/**
 * `npm test`: sets the machine up, runs every test that can run here with tap and ends with the count, alone on the
 * last line, and before it what was skipped and why. `--unit` leaves out what needs namespaces, clusters or a browser.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    unit: { type: 'boolean', default: false },
    yes: { type: 'boolean', short: 'y', default: false },
  },
})

/** Tests that need more than Node.js: own files, so that `npm run check` stays fast. */
const heavy = /\.(netns|cluster|browser|bench)\.test\.js$/

/** Tests on real clusters change the host's network, which others compare: they run after those, one at a time. */
const onClusters = /\.cluster\.test\.js$/

process.exitCode = await main()

async function main(): Promise<number> {
  if (!values.unit) {
    try {
      await setUp({ agreed: values.yes || process.env['CI'] === 'true', say: console.error })
    } catch (error) {
      console.error(errorReport(error))
      return 2
    }
  }
  const files = testFiles()
  const apart = tally(
    await runTap(
      files.filter((path) => !onClusters.test(path)),
      2,
    ),
  )
  const after = tally(
    await runTap(
      files.filter((path) => onClusters.test(path)),
      1,
    ),
  )
  const { passed, failed, skipped, failures } = added(apart, after)
  if (failures.length > 0)
    console.log(`\nfailed:\n${failures.map((name) => `  ${name}`).join('\n')}`)
  const skips = [...skipped.values()].reduce((sum, times) => sum + times, 0)
  if (skips > 0) {
    const reasons = [...skipped].map(([reason, times]) => `  ${times} x ${reason}`)
    console.log(`\nskipped:\n${reasons.join('\n')}`)
  }
  console.log(`\n${passed} passed, ${failed} failed${skips > 0 ? `, ${skips} skipped` : ''}`)
  return failed > 0 || passed === 0 ? 1 : 0
}

function testFiles(): readonly string[] {
  const dist = join(root, 'dist')
  const all = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.js'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !values.unit || !heavy.test(path))
  const wanted =
    positionals.length === 0
      ? all
      : all.filter((path) => positionals.some((part) => path.includes(part)))
  return wanted.sort()
}

/** Runs tap with its plain TAP output and gives all of it; shows one line per file while it goes. */
function runTap(files: readonly string[], jobs: number): Promise<string> {
  if (files.length === 0) return Promise.resolve('')
  return new Promise((resolve, reject) => {
    const tap = join(root, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs')
    const args = [tap, 'run', '--reporter=tap', `--jobs=${jobs}`, '--timeout=600', ...files]
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    const chunks: string[] = []
    let rest = ''
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (chunk: string) => {
      chunks.push(chunk)
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (/^(not )?ok /.test(line)) console.log(line)
    })
    child.on('error', reject)
    child.on('close', () => {
      const text = chunks.join('')
      if (/^not ok|^ +not ok/m.test(text)) console.log(failureText(text))
      resolve(text)
    })
  })
}

/** The failed assertions with their diagnostics, cut out of the TAP. */
function failureText(text: string): string {
  return (text.match(/^ *not ok [^\n]*\n(?: *---\n(?:.*\n)*? *\.\.\.\n)?/gm) ?? []).join('\n')
}
