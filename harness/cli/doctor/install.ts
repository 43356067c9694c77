import { spawn } from 'node:child_process'
import { UsageError } from '../../model/errors.ts'
import { searchPath } from './execute.ts'
import { blocking, examine } from './examine.ts'
import type { Finding } from './finding.ts'
import { installCommands, packageManager, privilege } from './packages.ts'

export interface SetUpOptions {
  /** The user agreed to have packages installed (`--yes`, or CI=true). */
  readonly agreed: boolean
  /** Where to say what is being done. */
  readonly say: (line: string) => void
}

/**
 * Makes sure that the default run can work here: installs what is missing with the system's package manager when
 * the user agreed and may, after saying what.
 * @throws UsageError with one line per missing thing and its cure
 */
export async function setUp({ agreed, say }: SetUpOptions): Promise<void> {
  const findings = await examine()
  if (blocking(findings).length === 0) return
  if (agreed) await install(blocking(findings), say)
  const left = agreed ? blocking(await examine()) : blocking(findings)
  if (left.length === 0) return
  throw new UsageError(
    `this machine lacks ${left.length === 1 ? 'one thing' : `${left.length} things`} that the run needs`,
    left.map(({ id, detail, cure }) => ({
      subject: id,
      message: detail,
      ...(cure !== undefined && { cure }),
    })),
    agreed ? {} : { hint: 'add --yes to have them installed (as root or with password-less sudo)' },
  )
}

/** Pulls the images and installs the packages of these findings; what neither cures is left alone. */
export async function install(
  findings: readonly Finding[],
  say: (line: string) => void,
): Promise<void> {
  for (const image of findings.flatMap(({ pulls = [] }) => pulls)) {
    say(`pulling: ${image}`)
    await runInstaller(['docker', 'pull', '--quiet', image])
  }
  const packages = findings.flatMap(({ packageOf }) => (packageOf === undefined ? [] : [packageOf]))
  const manager = packageManager()
  const rights = await privilege()
  if (packages.length === 0 || manager === undefined || rights === 'none') return
  for (const argv of installCommands(manager, packages, rights === 'root')) {
    say(`installing: ${argv.join(' ')}`)
    await runInstaller(argv)
  }
}

function runInstaller([program, ...args]: readonly [string, ...string[]]): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      PATH: searchPath(),
      DEBIAN_FRONTEND: 'noninteractive',
      // why: invoke-rc.d starts no service in runlevel 1, so Debian's nginx does not take port 80 of the host
      RUNLEVEL: '1',
    }
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    const output: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) {
        resolve()
        return
      }
      const said = Buffer.concat(output).toString().trim().split('\n').slice(-5).join('\n')
      reject(
        new UsageError(
          `${[program, ...args].join(' ')} failed with exit code ${String(code)}:\n${said}`,
        ),
      )
    })
  })
}
