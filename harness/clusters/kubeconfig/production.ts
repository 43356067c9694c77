import { UsageError } from '../../model/errors.ts'

/** Words by which people name what nobody may disturb. */
const words = /(?:^|[^a-z])(?:prod|prd|production|live)(?:[^a-z]|$)/i

export interface ChosenCluster {
  readonly context: string
  /** URL of its API. */
  readonly server: string
}

/** What makes a cluster look like one that people depend on; undefined when nothing does. */
export function looksLikeProduction({ context, server }: ChosenCluster): string | undefined {
  const { hostname } = new URL(server)
  const [word] = [context, hostname].filter((text) => words.test(text))
  return word
}

/**
 * Refuses a cluster that looks like production unless the user named it.
 * @param agreed - what the user gave as `--yes-this-cluster`
 * @throws UsageError that says what to type
 */
export function refuseProduction(chosen: ChosenCluster, agreed: string | undefined): void {
  const { context } = chosen
  if (agreed !== undefined && agreed !== context)
    throw new UsageError(
      `--yes-this-cluster names ${agreed}, the kubeconfig's context is ${context}`,
      [],
      { hint: 'choose it with --context, or name the context that you mean' },
    )
  const word = looksLikeProduction(chosen)
  if (word === undefined || agreed === context) return
  throw new UsageError(
    `the context ${context} looks like a cluster that people depend on ("${word}"); a benchmark sends it load`,
    [],
    { hint: `if you are sure: --yes-this-cluster ${context}` },
  )
}
