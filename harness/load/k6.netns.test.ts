/** The real k6 against a real nginx, and the script against k6's own types. */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { cannotRunNginx, startNginx } from '../testing/nginx.ts'
import { root } from '../testing/sources.ts'
import type { SecondOpinion } from '../model/second-opinion.ts'
import { k6Command, type K6Job, k6Opinion } from './k6.ts'
import type { K6Ended } from './k6-summary.ts'

const script = join(root, 'scenarios', 'k6', 'service-http.ts')
const sha256 = createHash('sha256').update('ours').digest('hex')
const version = spawnSync('k6', ['version'], { encoding: 'utf8' })
const noK6 = version.status === 0 ? false : 'no k6 here'
const skip = noK6 === false ? cannotRunNginx() : noK6

function ended(argv: readonly string[]): Promise<K6Ended> {
  const [program = '', ...rest] = argv
  return new Promise((resolve) => {
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
    child.on('close', (code) => {
      resolve({ exitCode: code ?? 1, ...said })
    })
  })
}

/** What k6 on one node says. */
function opinionOf(job: K6Job, end: K6Ended): Omit<SecondOpinion, 'asked'> {
  return k6Opinion(job, [{ node: 'a', version: version.stdout, ended: end }])
}

t.test('a page of nginx is measured at a constant rate', { skip }, async (t) => {
  await using nginx = await startNginx("location / { return 200 'ours'; }")
  const job: K6Job = {
    script,
    url: `http://127.0.0.1:${nginx.port}/`,
    sha256,
    rateRps: 200,
    seconds: 2,
  }
  const seen = opinionOf(job, await ended(k6Command(job)))
  t.same(seen.invalid, [])
  t.match(seen.tool, /^k6 v\d/)
  t.ok(seen.count >= 399 && seen.count <= 402, `${seen.count} of 400 requests`)
  t.ok(seen.p50Us !== undefined && seen.p50Us > 0, `p50 ${String(seen.p50Us)} us`)
  t.equal(seen.p99Us, undefined, 'four samples beyond p99 say nothing')
})

t.test('an answer of a stranger stops the load at once', { skip }, async (t) => {
  await using nginx = await startNginx("location / { return 200 'a stranger'; }")
  const url = `http://127.0.0.1:${nginx.port}/`
  const job: K6Job = { script, url, sha256, rateRps: 100, seconds: 60 }
  const seen = opinionOf(job, await ended(k6Command(job)))
  t.ok(seen.invalid.includes('foreign answer'), seen.invalid.join('; '))
  t.ok(seen.count < 200, `after ${seen.count} of 6000 requests`)
})

t.test('a rate that k6 cannot keep is invalid, never fast', { skip }, async (t) => {
  await using nginx = await startNginx("location / { return 200 'ours'; limit_rate 1; }")
  const url = `http://127.0.0.1:${nginx.port}/`
  const job: K6Job = { script, url, rateRps: 2_000, seconds: 1 }
  const seen = opinionOf(job, await ended(k6Command(job)))
  t.ok(seen.dropped > 0, `${seen.dropped} dropped`)
  t.match(seen.invalid.join('; '), /iterations were dropped: k6 could not keep the rate/)
})

t.test('a server that is not there is invalid', { skip: noK6 }, async (t) => {
  const job: K6Job = { script, url: 'http://127.0.0.1:1/', rateRps: 10, seconds: 1 }
  const seen = opinionOf(job, await ended(k6Command(job)))
  t.match(seen.invalid.join('; '), /requests failed/)
})

t.test('a script that does not start is trouble of the harness', { skip: noK6 }, async (t) => {
  const job: K6Job = { script, url: '', rateRps: 10, seconds: 1 }
  const end = await ended(k6Command(job))
  t.throws(() => opinionOf(job, end), { message: /MESHMARK_URL is not set/ })
})

t.test('a job that makes no sense is refused with its value and the rule', (t) => {
  const job: K6Job = { script, url: 'http://127.0.0.1/', rateRps: 10, seconds: 1 }
  for (const rateRps of [0, -1, 1.5, 100_001])
    t.throws(() => k6Command({ ...job, rateRps }), {
      message: `rateRps: got ${rateRps}, want a whole number from 1 to 100000`,
    })
  t.throws(() => k6Command({ ...job, seconds: 601 }), { message: /seconds: got 601/ })
  t.end()
})

t.test('the scripts use nothing that k6 does not have', (t) => {
  const configFile = join(root, 'scenarios', 'k6', 'tsconfig.json')
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined }
  const config = ts.getParsedCommandLineOfConfigFile(configFile, {}, host)
  t.ok((config?.fileNames.length ?? 0) > 0, 'there are scripts')
  const program = ts.createProgram(config?.fileNames ?? [], config?.options ?? {})
  const wrong = ts.getPreEmitDiagnostics(program)
  t.same(
    wrong.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
    [],
  )
  t.end()
})
