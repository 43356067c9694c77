/** Images with the real Docker: built once per content, with nothing pulled, and its errors in words. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cannotRunKind } from '../../testing/needs-kind.ts'
import { buildImage, nameOfImage } from './build.ts'

const skip = await cannotRunKind()
const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) })
const name = `meshmark/test-${process.pid}`

function docker(...argv: readonly string[]): string {
  return spawnSync('docker', argv, { encoding: 'utf8' }).stdout.trim()
}

t.test('images', { skip }, async (t) => {
  const packageDirectory = t.testdir({ 'package.json': '{"version":"1.2.3"}', dist: {} })
  const contents = (dockerfile: string): Parameters<typeof buildImage>[1] => ({
    packageDirectory,
    folders: ['dist'],
    packages: [],
    dockerfile,
  })
  t.teardown(() => {
    for (const reference of docker('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', name)
      .split('\n')
      .filter((line) => line !== ''))
      docker('image', 'rm', reference)
  })
  const dockerfile = 'FROM scratch\nCOPY package.json /\n'

  await t.test(
    'an image is built once per content, under the name that is told before',
    async (t) => {
      writeFileSync(join(packageDirectory, 'dist', 'a.js'), '1')
      const told = await nameOfImage(name, contents(dockerfile))
      t.same(await buildImage(name, contents(dockerfile), options()), {
        reference: told,
        isNew: true,
      })
      t.match(await buildImage(name, contents(dockerfile), options()), { isNew: false })
      writeFileSync(join(packageDirectory, 'dist', 'a.js'), '2')
      const next = await buildImage(name, contents(dockerfile), options())
      t.equal(next.isNew, true)
      t.not(next.reference, told)
    },
  )

  await t.test('old ones do not pile up', async (t) => {
    for (let version = 3; version < 9; version += 1) {
      writeFileSync(join(packageDirectory, 'dist', 'a.js'), String(version))
      await buildImage(name, contents(dockerfile), options())
    }
    t.equal(docker('image', 'ls', '--quiet', name).split('\n').length, 4)
  })

  for (const { title, text, message, hint } of [
    {
      title: 'a base that Docker has not is not pulled',
      text: 'ARG BASE_IMAGE=nowhere.example/node:20\nFROM ${BASE_IMAGE}\n',
      message: /is built on nowhere.example\/node:20, which Docker has not/,
      hint: /docker pull nowhere.example\/node:20.*--base-image/,
    },
    {
      title: 'a build that fails says what it said last',
      text: 'FROM scratch\nCOPY not-there /\n',
      message: new RegExp(`docker build of ${name} failed: [^]*not-there`),
      hint: /see what the build said/,
    },
  ])
    await t.test(title, async (t) => {
      // why: images of the same second come in any order
      const images = (): readonly string[] => docker('image', 'ls', '--quiet').split('\n').sort()
      const before = images()
      await t.rejects(buildImage(name, contents(text), options()), { message, hint })
      t.same(images(), before, 'no image is left')
    })

  await t.test('a Docker that does not answer is named', async (t) => {
    const host = process.env['DOCKER_HOST']
    t.teardown(() => {
      if (host === undefined) delete process.env['DOCKER_HOST']
      else process.env['DOCKER_HOST'] = host
    })
    process.env['DOCKER_HOST'] = 'unix:///nowhere.sock'
    writeFileSync(join(packageDirectory, 'dist', 'a.js'), 'another')
    const base = 'FROM node:20-bookworm-slim\n'
    await t.rejects(buildImage(name, contents(base), options()), {
      code: 'tool-missing',
      hint: /start Docker/,
    })
  })
})
