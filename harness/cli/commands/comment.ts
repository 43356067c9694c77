import { Command, Option } from 'commander'
import { UsageError } from '../../model/errors.ts'
import { commentBody, markerOf } from '../github/comment.ts'
import { keepComment } from '../github/rest.ts'
import { wholeNumber } from '../options.ts'
import { stdout } from '../output.ts'
import type { Conclude } from '../program.ts'
import { readResult } from '../../results/read.ts'
import { resultFile } from '../result-file.ts'

interface CommentFlags {
  readonly pullRequest: number
  readonly repository?: string
  readonly key?: string
  readonly author: string
}

/** `meshmark comment`: a result as one comment of a pull request, renewed in place by the next run. */
export function commentCommand(conclude: Conclude): Command {
  return new Command('comment')
    .description(
      'writes a result into a pull request on GitHub, as one comment that the next run renews; GITHUB_TOKEN has to be set',
    )
    .argument('<run...>', 'result files or folders')
    .addOption(
      new Option('--pull-request <number>', 'its number')
        .argParser(wholeNumber(1, 1e9))
        .makeOptionMandatory(),
    )
    .option('--repository <owner/name>', 'default: GITHUB_REPOSITORY')
    .option(
      '--key <text>',
      'jobs with different keys have comments of their own (default: target and provider)',
    )
    .option(
      '--author <login>',
      'whose comment is renewed: the login that the token belongs to',
      'github-actions[bot]',
    )
    .action(async (runs: readonly string[], flags: CommentFlags) => {
      const { did, url } = await comment(runs, flags)
      stdout(`${did} ${url}`)
      conclude(0)
    })
}

async function comment(
  runs: readonly string[],
  { pullRequest, repository = process.env['GITHUB_REPOSITORY'], key, author }: CommentFlags,
): ReturnType<typeof keepComment> {
  const { GITHUB_TOKEN: token = '', GITHUB_API_URL: api = 'https://api.github.com' } = process.env
  if (token === '')
    throw new UsageError('GITHUB_TOKEN: got nothing, want a token that may comment', [], {
      hint: 'in a workflow: env: GITHUB_TOKEN: ${{ github.token }}, with permissions: pull-requests: write',
    })
  if (repository === undefined || !/^[\w.-]+\/[\w.-]+$/.test(repository))
    throw new UsageError(`--repository: got "${repository ?? ''}", want owner/name`)
  const results = await Promise.all(runs.map(async (run) => readResult(await resultFile(run))))
  const chosen =
    key ??
    results
      .map(({ implementation, cluster }) => `${implementation.target} ${cluster.provider}`)
      .join(', ')
  const link = jobLink()
  const body = commentBody(results, { key: chosen, ...(link !== undefined && { link }) })
  return keepComment(
    { api, token, repository },
    { pullRequest, marker: markerOf(chosen), author, body },
  )
}

/** The page of the workflow's run that this is part of. */
function jobLink(): string | undefined {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID } = process.env
  return GITHUB_SERVER_URL === undefined ||
    GITHUB_REPOSITORY === undefined ||
    GITHUB_RUN_ID === undefined
    ? undefined
    : `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`
}
