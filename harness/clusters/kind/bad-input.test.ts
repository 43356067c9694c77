/** What a machine that lacks something is told, by the command line as it is typed. */
import { spawnSync } from 'node:child_process'
import { existsSync, symlinkSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { onPath } from '../../targets/shared/programs.ts'
import { root } from '../../testing/sources.ts'

interface Told {
  readonly status: number | null
  readonly said: string
  /** Whether anything was written down. */
  readonly left: boolean
}

/** `meshmark up --provider kind` on a machine that has only these programs. */
async function up(
  t: Test,
  programs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const folder = t.testdir({ bin: {}, state: {} })
  // why: zx starts programs by it
  const shells = Object.fromEntries(['bash', 'sh'].map((name) => [name, onPath(name) ?? '']))
  for (const [name, path] of Object.entries({ ...shells, ...programs })) {
    const at = join(folder, 'bin', name)
    if (existsSync(path)) symlinkSync(path, at)
    else await writeFile(at, `#!/bin/sh\necho '${path}'\n`)
    await chmod(at, 0o755)
  }
  const cli = join(root, 'dist', 'harness', 'cli', 'main.js')
  const { status, stderr } = spawnSync(process.execPath, [cli, 'up', '--provider', 'kind'], {
    encoding: 'utf8',
    env: { ...env, PATH: join(folder, 'bin'), XDG_STATE_HOME: join(folder, 'state'), HOME: folder },
  })
  return { status, said: stderr, left: existsSync(join(folder, 'state', 'meshmark')) }
}

t.test('without Docker and kind: both are named, with the cure', async (t) => {
  const { status, said, left } = await up(t, {})
  t.equal(status, 2)
  t.match(said, /kind: kind version: it is not installed/)
  t.match(said, /docker: docker version --format: it is not installed/)
  t.match(said, /install docker and kind \(https:\/\/kind.sigs.k8s.io/)
  t.notOk(left, 'nothing is left')
})

t.test('a kind that is too old is named with its version and the one that is wanted', async (t) => {
  const { status, said, left } = await up(t, { kind: 'kind v0.17.0 go1.19.2 linux/amd64' })
  t.equal(status, 2)
  t.match(said, /kind says "kind v0.17.0 go1.19.2 linux\/amd64", want v0.20 or newer/)
  t.match(said, /install a newer one: https/)
  t.notOk(left, 'nothing is left')
})

const docker = onPath('docker')
const skip = docker === undefined && 'no docker command here'

t.test('a Docker that is not running is named, with the cure', { skip }, async (t) => {
  const programs = { docker: docker ?? '', kind: 'kind v0.33.0 go1.26.8 linux/amd64' }
  const { status, said, left } = await up(t, programs, { DOCKER_HOST: 'unix:///nowhere.sock' })
  t.equal(status, 2)
  t.match(said, /Docker is not running, or you may not use it: [^]*nowhere.sock/)
  t.match(said, /start it \(systemctl start docker\)/)
  t.notOk(left, 'nothing is left')
})
