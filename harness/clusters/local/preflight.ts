import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ClusterError, type Problem } from '../../model/errors.ts'
import { programPath } from './network/command.ts'
import { findPrivilege } from './privilege.ts'

/** Programs without which no namespace can be made or connected, with the Debian package that has them. */
const needed: Readonly<Record<string, string>> = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  ip: 'iproute2',
  nft: 'nftables',
  hostname: 'hostname',
  sleep: 'coreutils',
  sh: 'dash',
}

/** Finds everything that would stop a cluster from being made here. `path` is where programs are looked for. */
export async function preflight(path: string = programPath): Promise<readonly Problem[]> {
  const folders = path.split(delimiter)
  const missing = Object.keys(needed).filter(
    (name) => !folders.some((folder) => existsSync(join(folder, name))),
  )
  const problems: readonly Problem[] = missing.map((subject) => ({
    subject,
    message: `not found in ${path}`,
    cure: `meshmark doctor --install, or: apt-get install ${needed[subject] ?? subject}`,
  }))
  if (missing.includes('unshare')) return problems
  return [...problems, ...(await namespaceProblems())]
}

async function namespaceProblems(): Promise<readonly Problem[]> {
  try {
    await findPrivilege()
    return []
  } catch (error) {
    const hint = error instanceof ClusterError ? error.hint : undefined
    return [
      {
        subject: 'namespaces',
        message: error instanceof Error ? error.message : String(error),
        ...(hint !== undefined && { cure: hint }),
      },
    ]
  }
}
