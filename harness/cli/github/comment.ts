import { markdownWithin } from '../../reporters/markdown.ts'
import { inline } from '../../reporters/markdown-text.ts'
import { verdictOf } from '../../reporters/verdict.ts'
import type { RunResult } from '../../model/run-result.ts'

/** GitHub refuses a comment of more characters. */
const maxCharacters = 65_536

/** What is left for the marker, the link and the note. */
const spare = 2_000

/** The line by which a comment is found again; people do not see it. @param key - one per job, any text */
export function markerOf(key: string): string {
  // why: two dashes would end the HTML comment
  return `<!-- meshmark: ${key.replaceAll(/[^\w./:=+ ]+/g, '_')} -->`
}

/** The comment of a pull request: as much of the result as GitHub takes, with a link to the whole. */
export function commentBody(
  results: readonly RunResult[],
  { key, link }: { readonly key: string; readonly link?: string },
): string {
  const end = link === undefined ? '' : `\n[The whole, with its artefacts](${link})\n`
  const whole = markdownWithin(results, (maxCharacters - spare) / 2)
  const told =
    whole.length + spare <= maxCharacters
      ? whole
      : `${results.map((result) => `## ${inline(verdictOf(result).sentence)}`).join('\n\n')}\n\nThe details are too long for a comment.\n`
  return `${markerOf(key)}\n${told}${end}`
}
