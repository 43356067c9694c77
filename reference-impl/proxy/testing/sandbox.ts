/** Runs a test file inside network, mount and pid namespaces of its own, so that it may change rules and routes. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { TAP } from 'tap'

const mark = 'MESHMARK_TEST_SANDBOX'

/**
 * True in the sandboxed copy of the calling test file. Otherwise runs that copy as a subtest, or skips with the reason
 * where namespaces or a program are not to be had.
 */
export async function sandboxed(
  t: TAP,
  url: string,
  programs: readonly string[],
): Promise<boolean> {
  t.setTimeout(180_000)
  if (process.env[mark] !== undefined) {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run'])
    execFileSync('ip', ['link', 'set', 'lo', 'up'])
    return true
  }
  const missing = programs.find((program) => !installed(program))
  const reason = missing === undefined ? namespaceProblem() : `${missing} is not installed`
  if (reason !== undefined) {
    t.plan(0, reason)
    return false
  }
  const args = [...flags(), process.execPath, fileURLToPath(url)]
  const options = { env: { ...process.env, [mark]: '1' }, timeout: 180_000 }
  await t.spawn('unshare', args, options, 'in namespaces of its own')
  return false
}

function flags(): readonly string[] {
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  return [
    ...asRoot,
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--mount-proc',
    '--propagation',
    'private',
    '--kill-child',
  ]
}

function namespaceProblem(): string | undefined {
  try {
    execFileSync('unshare', [...flags(), 'nft', 'add', 'table', 'ip', 'probe'], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return `no network namespace with nftables here: ${error instanceof Error ? (error.message.split('\n')[1] ?? error.message) : String(error)}`
  }
}

function installed(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
