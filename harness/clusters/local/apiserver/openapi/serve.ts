import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendText } from '../http/answer.ts'
import { groupsOf } from '../discovery/groups.ts'
import type { Registry } from '../registry.ts'
import { swaggerDocument, versionDocument } from './documents.ts'

const protobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/**
 * OpenAPI as far as kubectl needs it: which kinds can be patched and which options their writes know. The shape of
 * the fields is not published, so clients leave checking them to the server.
 */
export class OpenApi {
  readonly #registry: Registry

  constructor(registry: Registry) {
    this.#registry = registry
  }

  /** Answers /openapi/…; false when the path is another or nothing is there. */
  serve(url: URL, request: IncomingMessage, response: ServerResponse): boolean {
    const parts = url.pathname.split('/').filter((part) => part !== '')
    const [root, edition, ...rest] = parts
    if (root !== 'openapi') return false
    if (edition === 'v2' && rest.length === 0) {
      this.#serveV2(request, response)
      return true
    }
    if (edition !== 'v3') return false
    const document = rest.length === 0 ? this.#index() : this.#version(rest)
    if (document === undefined) return false
    const accept = request.headers.accept ?? ''
    // why: a client that reads protobuf only takes an empty message as an empty document
    if (accept.includes('protobuf') && !/json|\*\/\*/.test(accept)) {
      sendText(response, 200, '', 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf')
      return true
    }
    sendText(response, 200, `${JSON.stringify(document)}\n`, 'application/json')
    return true
  }

  #serveV2(request: IncomingMessage, response: ServerResponse): void {
    const accept = request.headers.accept ?? ''
    // why: kubectl up to 1.26 reads protobuf only; an empty message makes it leave validation to the server
    if (accept.includes('proto-openapi.spec.v2') && !accept.includes('application/json')) {
      sendText(response, 200, '', protobufType)
      return
    }
    const text = `${JSON.stringify(swaggerDocument(this.#registry))}\n`
    sendText(response, 200, text, 'application/json')
  }

  #index(): unknown {
    const paths: Record<string, unknown> = {}
    for (const group of groupsOf(this.#registry)) {
      for (const { version } of group.versions) {
        const path = group.name === '' ? `api/${version}` : `apis/${group.name}/${version}`
        const document = versionDocument(this.#registry, group.name, version)
        const hash = createHash('sha256').update(JSON.stringify(document)).digest('hex')
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash.toUpperCase()}` }
      }
    }
    return { paths }
  }

  #version(parts: readonly string[]): unknown {
    const [root, first = '', second = ''] = parts
    if (root === 'api') return versionDocument(this.#registry, '', first)
    return root === 'apis' ? versionDocument(this.#registry, first, second) : undefined
  }
}
