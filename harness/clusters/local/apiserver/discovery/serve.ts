import type { ServerResponse } from 'node:http'
import type { Registry } from '../registry.ts'
import { sendText } from '../http/answer.ts'
import { negotiate, parseAccept } from '../http/media-type.ts'
import { aggregated, coreVersions, groupDocument, groupList, resourceList } from './documents.ts'

/** Caches the JSON of discovery documents until the set of resources changes. */
export class Discovery {
  readonly #registry: Registry
  readonly #serverAddress: string
  #texts = new Map<string, string | undefined>()
  #revision = -1

  constructor(registry: Registry, serverAddress: string) {
    this.#registry = registry
    this.#serverAddress = serverAddress
  }

  /** Answers discovery paths; false when the path is none. */
  serve(path: string, accept: string | undefined, response: ServerResponse): boolean {
    const parts = path.split('/').filter((part) => part !== '')
    const [root, ...rest] = parts
    if (root !== 'api' && root !== 'apis') return false
    if (rest.length > (root === 'api' ? 1 : 2)) return false
    const version = rest.length === 0 ? aggregatedVersion(accept) : undefined
    const text = this.#text(`${parts.join('/')} ${version ?? ''}`, () =>
      this.#document(root, rest, version),
    )
    if (text === undefined) return false
    if (version === undefined) negotiate(accept, { allowsViews: false, isPretty: false })
    const contentType =
      version === undefined
        ? 'application/json'
        : `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`
    response.setHeader('vary', 'Accept')
    sendText(response, 200, text, contentType)
    return true
  }

  #document(root: 'api' | 'apis', rest: readonly string[], version: string | undefined): unknown {
    const [first, second] = rest
    if (first === undefined) {
      if (version !== undefined) return aggregated(this.#registry, root === 'api', version)
      return root === 'api' ? coreVersions(this.#serverAddress) : groupList(this.#registry)
    }
    if (root === 'api') return resourceList(this.#registry, '', first)
    return second === undefined
      ? groupDocument(this.#registry, first)
      : resourceList(this.#registry, first, second)
  }

  #text(key: string, make: () => unknown): string | undefined {
    if (this.#revision !== this.#registry.revision) {
      this.#texts = new Map()
      this.#revision = this.#registry.revision
    }
    if (!this.#texts.has(key)) {
      const document = make()
      const text = document === undefined ? undefined : `${JSON.stringify(document)}\n`
      // why: paths of groups that do not exist are without end
      if (text === undefined) return undefined
      this.#texts.set(key, text)
    }
    return this.#texts.get(key)
  }
}

/** The version of the aggregated form when the client prefers that to the plain one. */
function aggregatedVersion(accept: string | undefined): string | undefined {
  for (const { type, parameters } of parseAccept(accept ?? '')) {
    if (type !== 'application/json' && type !== '*/*') continue
    if (parameters.get('as') === undefined) return undefined
    const version = parameters.get('v')
    const isAggregated =
      parameters.get('g') === 'apidiscovery.k8s.io' &&
      parameters.get('as') === 'APIGroupDiscoveryList'
    if (isAggregated && (version === 'v2' || version === 'v2beta1')) return version
  }
  return undefined
}
