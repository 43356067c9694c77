import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Random bearer tokens of one cluster: for the harness and its user, and for every kubelet by its node's name. */
export interface Tokens {
  readonly admin: string
  readonly nodes: Readonly<Record<string, string>>
}

/** Makes the tokens and writes them down where the API server finds them. */
export async function writeTokens(
  runDirectory: string,
  nodes: readonly { readonly name: string }[],
): Promise<Tokens> {
  const token = (): string => randomBytes(24).toString('base64url')
  const tokens = {
    admin: token(),
    nodes: Object.fromEntries(nodes.map(({ name }) => [name, token()])),
  }
  const entries = [
    { token: tokens.admin, user: 'meshmark-admin', groups: ['system:masters'] },
    ...Object.entries(tokens.nodes).map(([name, one]) => ({
      token: one,
      user: `system:node:${name}`,
      groups: ['system:nodes'],
    })),
  ]
  await writeFile(join(runDirectory, 'tokens.json'), JSON.stringify(entries), { mode: 0o600 })
  return tokens
}
