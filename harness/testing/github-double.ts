import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A comment as the double keeps it. */
export interface KeptComment {
  readonly id: number
  readonly login: string
  body: string
}

export interface GitHubDouble extends AsyncDisposable {
  readonly url: string
  readonly comments: KeptComment[]
  /** `POST /repos/o/r/issues/7/comments`, in the order in which they came. */
  readonly asked: readonly string[]
}

/**
 * A double of GitHub's REST API, as far as comments of issues go: list with pages, create, update. It is no GitHub: it
 * knows one token, one repository, one pull request. For tests alone.
 */
export async function gitHubDouble({
  token,
  login,
  repository,
  pullRequest,
}: {
  readonly token: string
  /** Whom the token belongs to. */
  readonly login: string
  readonly repository: string
  readonly pullRequest: number
}): Promise<GitHubDouble> {
  const comments: KeptComment[] = []
  const asked: string[] = []
  const answer = async (request: IncomingMessage): Promise<readonly [number, unknown]> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://double')
    asked.push(`${request.method ?? ''} ${pathname}`)
    if (request.headers.authorization !== `Bearer ${token}`)
      return [401, { message: 'Bad credentials' }]
    const list = `/repos/${repository}/issues/${pullRequest}/comments`
    if (pathname === list && request.method === 'GET') {
      const [size, page] = ['per_page', 'page'].map((name) => Number(searchParams.get(name)))
      const first = ((page ?? 1) - 1) * (size ?? 30)
      return [200, comments.slice(first, first + (size ?? 30)).map(shown)]
    }
    if (pathname === list && request.method === 'POST') {
      const made = { id: 1000 + comments.length, login, body: await bodyOf(request) }
      comments.push(made)
      return [201, shown(made)]
    }
    const id = new RegExp(`^/repos/${repository}/issues/comments/(\\d+)$`).exec(pathname)?.[1]
    const old = comments.find((one) => one.id === Number(id))
    if (old !== undefined && request.method === 'PATCH') {
      old.body = await bodyOf(request)
      return [200, shown(old)]
    }
    return [404, { message: 'Not Found' }]
  }
  const shown = ({ id, login: by, body }: KeptComment): unknown => ({
    id,
    body,
    user: { login: by },
    html_url: `https://double.example/${repository}/pull/${pullRequest}#issuecomment-${id}`,
  })
  const server = createServer((request, response) => {
    void answer(request).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    comments,
    asked,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return (JSON.parse(Buffer.concat(chunks).toString()) as { readonly body: string }).body
}
