import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { nonConformantRun, passingRun } from '../reporters/fixtures.ts'

const main = join(import.meta.dirname, 'main.js')

function meshmark(args: readonly string[]): {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
  })
  return { code: status, stdout, stderr }
}

// why: seven processes, and the machine may be busy
t.setTimeout(120_000)

t.test('report renders a conformance result in every format, and a badge per profile', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'meshmark-report-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  writeFileSync(join(folder, 'result.json'), JSON.stringify(nonConformantRun()))
  for (const [format, beginning] of [
    ['sarif', /^\{\n {2}"\$schema": "https:\/\/json\.schemastore\.org\/sarif/],
    ['conformance-report', /^\{\n {2}"apiVersion": "meshmark\.dev\/v1alpha1",\n {2}"kind": "Conf/],
    ['yaml', /^apiVersion: meshmark\.dev\/v1alpha1\nkind: ConformanceReport\n/],
    ['tap', /^TAP version 14\n/],
  ] as const) {
    const { code, stdout } = meshmark(['report', folder, '--format', format])
    t.equal(code, 0)
    t.match(stdout, beginning)
  }
  const badges = join(folder, 'badges')
  t.match(meshmark(['report', folder, '--format', 'badge', '-o', `${badges}/`]), {
    code: 0,
    stdout: /wrote .*badges\/dns\.json\n/,
  })
  t.equal(readdirSync(badges).length, 8)
  t.match(readFileSync(join(badges, 'dns.json'), 'utf8'), /"label": "DNS core"/)
  writeFileSync(join(folder, 'result.json'), JSON.stringify(passingRun()))
  t.match(meshmark(['report', folder, '--format', 'sarif']), {
    code: 2,
    stderr: /has no conformance result, which sarif shows[^]*meshmark conform/,
  })
  t.end()
})
