import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { RunResult } from '../../model/run-result.ts'
import { comparedRun, nonConformantRun, passingRun } from '../../reporters/fixtures.ts'
import { commentBody, markerOf } from './comment.ts'
import { gitHubDouble, type GitHubDouble } from '../../testing/github-double.ts'

const main = join(import.meta.dirname, '..', 'main.js')

// why: many processes, and the machine may be busy
t.setTimeout(180_000)

const folder = mkdtempSync(join(tmpdir(), 'meshmark-comment-'))
t.teardown(() => {
  rmSync(folder, { recursive: true })
})

function kept(name: string, result: RunResult): string {
  const path = join(folder, `${name}.json`)
  writeFileSync(path, JSON.stringify(result))
  return path
}

const passing = kept('passing', passingRun())
const failing = kept('failing', comparedRun())

/** The command line against the double of GitHub's API. */
async function comment(
  double: { readonly url: string },
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [main, 'comment', ...args, '--pull-request', '7'], {
    env: {
      ...process.env,
      GITHUB_TOKEN: 'secret-token',
      GITHUB_API_URL: double.url,
      GITHUB_REPOSITORY: 'example/mesh',
      GITHUB_SERVER_URL: 'https://double.example',
      GITHUB_RUN_ID: '42',
      ...env,
    },
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      said[name] += chunk.toString()
    })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, ...said }
}

async function double(t: Test): Promise<GitHubDouble> {
  const made = await gitHubDouble({
    token: 'secret-token',
    login: 'github-actions[bot]',
    repository: 'example/mesh',
    pullRequest: 7,
  })
  t.teardown(() => made[Symbol.asyncDispose]())
  return made
}

t.test(
  'the first run writes a comment, the next one renews it, the same again changes nothing',
  async (t) => {
    const github = await double(t)
    t.match(await comment(github, [passing]), {
      code: 0,
      stdout: 'created https://double.example/example/mesh/pull/7#issuecomment-1000\n',
    })
    t.match(github.comments, [
      {
        body: /^<!-- meshmark: reference local -->\n## ✅ [^]*\[The whole, with its artefacts\]\(https:\/\/double\.example\/example\/mesh\/actions\/runs\/42\)\n$/,
      },
    ])
    t.match(await comment(github, [failing]), { code: 0, stdout: /^updated .*-1000\n/ })
    t.match(github.comments, [{ body: /\n## ❌ [^]*l7-latency\/value/ }])
    t.equal(github.comments.length, 1)
    const before = github.asked.length
    t.match(await comment(github, [failing]), { code: 0, stdout: /^unchanged / })
    t.same(github.asked.slice(before), ['GET /repos/example/mesh/issues/7/comments'])
  },
)

t.test('another job has a comment of its own', async (t) => {
  const github = await double(t)
  await comment(github, [passing, '--key', 'conform kind'])
  await comment(github, [passing, '--key', 'bench kind'])
  await comment(github, [failing, '--key', 'conform kind'])
  t.match(github.comments, [
    { body: /^<!-- meshmark: conform kind -->\n## ❌/ },
    { body: /^<!-- meshmark: bench kind -->\n## ✅/ },
  ])
  t.equal(github.comments.length, 2)
})

t.test(
  'a comment of somebody else stays, even if it begins like ours; ours is found on any page',
  async (t) => {
    const github = await double(t)
    const marker = markerOf('reference local')
    github.comments.push({ id: 1, login: 'mallory', body: `${marker}\nforged` })
    for (let id = 2; id <= 150; id += 1)
      github.comments.push({ id, login: 'people', body: `${id}` })
    github.comments.push({ id: 500, login: 'github-actions[bot]', body: `${marker}\nold` })
    t.match(await comment(github, [passing]), { code: 0, stdout: /^updated .*issuecomment-500\n/ })
    t.match(github.comments[0], { body: `${marker}\nforged` })
    t.equal(github.comments.length, 151)
  },
)

t.test('what is refused is told, and never the token', async (t) => {
  const github = await double(t)
  const wrong = await comment(github, [passing], { GITHUB_TOKEN: 'wrong-token' })
  t.match(wrong, {
    code: 2,
    stdout: '',
    stderr: /GitHub refuses GET .*: 401 Bad credentials\n.*pull-requests: write/,
  })
  t.notMatch(wrong.stderr, /wrong-token/)
  t.match(await comment(github, [passing], { GITHUB_TOKEN: '' }), {
    code: 2,
    stderr: /GITHUB_TOKEN: got nothing, want a token/,
  })
  t.match(await comment(github, [passing], { GITHUB_REPOSITORY: 'nonsense' }), {
    code: 2,
    stderr: /--repository: got "nonsense", want owner\/name/,
  })
  t.match(await comment({ url: 'http://127.0.0.1:9' }, [passing]), {
    code: 2,
    stderr: /does not answer/,
  })
  t.equal(github.comments.length, 0)
})

t.test('whatever the size of the result, GitHub takes the comment', (t) => {
  const large = nonConformantRun(20)
  for (const results of [[large], [large, large, large, large]]) {
    const body = commentBody(results, { key: 'x', link: 'https://double.example' })
    t.ok(body.length <= 65_536, `${body.length}`)
    t.match(body, /^<!-- meshmark: x -->\n## /)
    t.match(body, /\[The whole, with its artefacts\]\(https:\/\/double\.example\)\n$/)
  }
  t.equal(markerOf('a --> b'), '<!-- meshmark: a _ b -->')
  t.end()
})
