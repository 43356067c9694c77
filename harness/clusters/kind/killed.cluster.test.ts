/** A harness that is killed at any moment of a kind run leaves nothing that `doctor --heal` does not remove. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { randomStream } from '../../measure/random.ts'
import { cannotRunKind } from '../../testing/needs-kind.ts'
import { root } from '../../testing/sources.ts'
import { stateDirectory } from './state.ts'

const skip = await cannotRunKind()

/** Moments at which the harness is killed, one in each part of its boot and the time after it; before a release 10. */
const moments = Number(process.env['MESHMARK_TEST_KILLS'] ?? 4)
const longestMs = 30_000

t.test(
  `SIGKILL of the harness at ${moments} random moments, then doctor --heal, leaves nothing`,
  { skip, timeout: 900_000 },
  async (t) => {
    const seed = Number(process.env['MESHMARK_TEST_SEED'] ?? Math.trunc(Math.random() * 1e6))
    t.comment(`seed ${seed}`)
    const random = randomStream(seed)
    const before = hostState('')
    for (let moment = 0; moment < moments; moment += 1) {
      const runId = `killed-${process.pid}-${moment}`
      const afterMs = Math.round(((moment + random()) / moments) * longestMs)
      const program = join(root, 'dist', 'harness', 'testing', 'kind-and-hold.js')
      const harness = spawn(process.execPath, [program, runId], { stdio: 'ignore' })
      const gone = new Promise((resolve) => harness.once('exit', resolve))
      await delay(afterMs)
      harness.kill('SIGKILL')
      await gone
      const cli = join(root, 'dist', 'harness', 'cli', 'main.js')
      const doctor = spawnSync(process.execPath, [cli, 'doctor', '--heal'], { encoding: 'utf8' })
      t.match(doctor.stderr, /removed the cluster|no dead run left anything/, `after ${afterMs} ms`)
      t.same(hostState(`meshmark-${runId}`), before, `killed after ${afterMs} ms: nothing is left`)
    }
  },
)

/** What a run may not change, and what bears its name. */
function hostState(name: string): unknown {
  const docker = (...argv: readonly string[]): string =>
    spawnSync('docker', argv, { encoding: 'utf8' }).stdout.trim()
  const kubeconfig = join(homedir(), '.kube', 'config')
  const ofName = (names: readonly string[]): readonly string[] =>
    name === '' ? [] : names.filter((one) => one.includes(name))
  return {
    containers: ofName(docker('ps', '-a', '--format', '{{.Names}}').split('\n')),
    networks: docker('network', 'ls', '--format', '{{.Name}}').split('\n').sort(),
    volumes: docker('volume', 'ls', '-q').split('\n').length,
    records: ofName(existsSync(stateDirectory()) ? readdirSync(stateDirectory()) : []),
    temporary: readdirSync(tmpdir()).filter((one) => one.startsWith('meshmark-image-')).length,
    kubeconfig: existsSync(kubeconfig) ? readFileSync(kubeconfig, 'utf8') : 'none',
  }
}
