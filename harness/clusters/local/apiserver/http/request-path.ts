/** What a path under /api or /apis asks for. */
export interface ResourcePath {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
  /** What follows a subresource such as `proxy`. */
  readonly rest: string
  /** `/api/v1/watch/pods`, the old way to ask for `?watch=true`. */
  readonly isWatchPath: boolean
}

/** Subresources of namespaces; anything else after a namespace's name is a resource within it. */
const namespaceSubresources: ReadonlySet<string> = new Set(['status', 'finalize'])

/**
 * Parses `/api/v1/namespaces/default/pods/a/log` and the like.
 * @returns undefined when the path is no resource's (a discovery document, or nothing at all)
 */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = decodeSegments(path)
  if (parts === undefined) return undefined
  const [root, ...afterRoot] = parts
  const groupLength = root === 'api' ? 1 : root === 'apis' ? 2 : 0
  if (groupLength === 0 || afterRoot.length <= groupLength) return undefined
  const group = root === 'api' ? '' : (afterRoot[0] ?? '')
  const version = afterRoot[groupLength - 1] ?? ''
  let rest = afterRoot.slice(groupLength)
  const isWatchPath = rest[0] === 'watch'
  if (isWatchPath) rest = rest.slice(1)

  const [first, namespace, third] = rest
  if (first === undefined) return undefined
  const isInNamespace =
    first === 'namespaces' && third !== undefined && !namespaceSubresources.has(third)
  const [plural = '', name, subresource, ...more] = isInNamespace ? rest.slice(2) : rest
  return {
    group,
    version,
    plural,
    namespace: isInNamespace ? namespace : undefined,
    name,
    subresource,
    rest: more.join('/'),
    isWatchPath,
  }
}

function decodeSegments(path: string): readonly string[] | undefined {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
}
