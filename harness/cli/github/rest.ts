import { UsageError } from '../../model/errors.ts'

/** How long GitHub may take for one answer. */
const answerMs = 30_000

/** Comments of a page, the most that GitHub gives. */
const perPage = 100

/** Pages that are looked at: a comment of ours stands near the beginning. */
const maxPages = 50

/** Where comments go, and with which rights. */
export interface GitHubRepository {
  /** `https://api.github.com`, or a server of one's own. */
  readonly api: string
  readonly token: string
  /** `owner/name`. */
  readonly repository: string
}

export interface CommentInit {
  readonly pullRequest: number
  /** First line of `body`: the comment that begins with it is the one to renew. */
  readonly marker: string
  /** Only a comment of this login is renewed: anybody may write the marker. */
  readonly author: string
  readonly body: string
}

interface Comment {
  readonly id: number
  readonly body: string
  readonly url: string
  readonly author: string
}

/**
 * Renews our comment of a pull request, or writes it the first time; one that says the same already stays as it is.
 * @throws UsageError when GitHub refuses, with its own words
 */
export async function keepComment(
  repository: GitHubRepository,
  { pullRequest, marker, author, body }: CommentInit,
): Promise<{ readonly did: 'created' | 'updated' | 'unchanged'; readonly url: string }> {
  const found = await find(repository, pullRequest, (comment) => {
    const isOurs = comment.author === author
    return isOurs && (comment.body === marker || comment.body.startsWith(`${marker}\n`))
  })
  if (found === undefined) {
    const made = await ask(repository, 'POST', `issues/${pullRequest}/comments`, { body })
    return { did: 'created', url: commentOf(made).url }
  }
  // why: GitHub gives line ends back as it was sent, and takes blanks off the end
  if (found.body.trimEnd() === body.trimEnd()) return { did: 'unchanged', url: found.url }
  const renewed = await ask(repository, 'PATCH', `issues/comments/${found.id}`, { body })
  return { did: 'updated', url: commentOf(renewed).url }
}

async function find(
  repository: GitHubRepository,
  pullRequest: number,
  accept: (comment: Comment) => boolean,
): Promise<Comment | undefined> {
  for (let page = 1; page <= maxPages; page += 1) {
    const path = `issues/${pullRequest}/comments?per_page=${perPage}&page=${page}`
    const answer = await ask(repository, 'GET', path)
    const comments = Array.isArray(answer) ? answer.map(commentOf) : []
    const ours = comments.find(accept)
    if (ours !== undefined) return ours
    if (comments.length < perPage) return undefined
  }
  return undefined
}

function commentOf(answer: unknown): Comment {
  const field = (of: unknown, name: string): unknown =>
    typeof of === 'object' && of !== null
      ? (of as Readonly<Record<string, unknown>>)[name]
      : undefined
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return {
    id: Number(field(answer, 'id')),
    body: text(field(answer, 'body')),
    url: text(field(answer, 'html_url')),
    author: text(field(field(answer, 'user'), 'login')),
  }
}

async function ask(
  { api, token, repository }: GitHubRepository,
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body?: object,
): Promise<unknown> {
  const url = `${api.replace(/\/$/, '')}/repos/${repository}/${path}`
  const response = await fetch(url, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'x-github-api-version': '2022-11-28',
      'user-agent': 'meshmark',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(answerMs),
  }).catch((error: unknown) => {
    const { cause } = error as Error
    throw new UsageError(`${url} does not answer: ${String(cause ?? error)}`, [], {
      hint: 'GITHUB_API_URL names the API; default https://api.github.com',
    })
  })
  const text = await response.text()
  if (!response.ok) throw refusal(`${method} ${url}`, response.status, text)
  return text === '' ? undefined : (JSON.parse(text) as unknown)
}

function refusal(what: string, status: number, text: string): UsageError {
  const said = /"message"\s*:\s*"([^"]*)"/.exec(text)?.[1] ?? text.slice(0, 200)
  return new UsageError(`GitHub refuses ${what}: ${status} ${said}`, [], {
    hint:
      status === 401 || status === 403 || status === 404
        ? 'the token needs the permission `pull-requests: write`; on pull requests from forks GitHub gives none'
        : 'try again later',
  })
}
