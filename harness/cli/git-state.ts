import { execFileSync } from 'node:child_process'
import { packageDirectory } from './package.ts'

/** The commit of the suite and whether it was changed since, where it runs from a checkout of its own. */
export function gitState(): { readonly commit?: string; readonly dirty?: boolean } {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', packageDirectory, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim()
    if (git('rev-parse', '--show-toplevel') !== packageDirectory) return {}
    return { commit: git('rev-parse', 'HEAD'), dirty: git('status', '--porcelain') !== '' }
  } catch {
    return {}
  }
}
