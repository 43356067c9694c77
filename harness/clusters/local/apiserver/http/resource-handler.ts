import { badRequest, noSuchResource, notFound } from '../api-errors.ts'
import { answerReview } from '../auth/reviews.ts'
import { present } from '../environment.ts'
import type { WriteOptions } from '../environment.ts'
import type { KubeObject } from '../../../../model/kubernetes.ts'
import { decodeObject } from '../decode-object.ts'
import { asText } from '../json.ts'
import type { JsonObject } from '../json.ts'
import { patchObject } from '../patch/patch-object.ts'
import type { MutableObject, Verb } from '../resource-definition.ts'
import { ApiError } from '../resource-definition.ts'
import { parseSelection } from '../selectors/selection.ts'
import { storageKey } from '../storage/store.ts'
import { handleSubresource } from '../subresources/handle.ts'
import { viewOf } from '../table/view.ts'
import { createObject } from '../verbs/create.ts'
import { deleteObject, parseDeleteOptions } from '../verbs/delete.ts'
import { FrameWriter } from '../verbs/frame-writer.ts'
import { listObjects } from '../verbs/list.ts'
import { updateObject } from '../verbs/update.ts'
import { parseWatchOptions } from '../verbs/watch-options.ts'
import { watchObjects } from '../verbs/watch.ts'
import { parseBoolean, parseWriteOptions } from '../verbs/write-options.ts'
import { sendObject, sendText } from './answer.ts'
import { negotiate } from './media-type.ts'
import type { OutputFormat } from './media-type.ts'
import { decodeBody, readBody } from './request-body.ts'
import type { DecodedBody } from './request-body.ts'
import type { ResourceRequest } from './request-context.ts'
import type { ResourcePath } from './request-path.ts'

/**
 * Answers a request for a resource, a collection or a subresource.
 * @throws ApiError for everything that is not a success
 */
export async function handleResource(request: ResourceRequest): Promise<void> {
  const { path, resource } = request
  const { definition } = resource
  if (path.namespace !== undefined && !definition.namespaced) throw noSuchResource()
  if (path.subresource !== undefined) {
    await handleSubresource(request)
    return
  }
  const verb = verbOf(request)
  const isServed = definition.verbs?.includes(verb) ?? true
  if (!isServed) throw unsupportedMethod()
  await handlers[verb](request)
}

function verbOf({ request, path, query, resource }: ResourceRequest): Verb {
  const isNamed = path.name !== undefined
  const needsNamespace = resource.definition.namespaced && path.namespace === undefined
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      if (path.isWatchPath || parseBoolean(query, 'watch') === true) return 'watch'
      if (isNamed && needsNamespace) throw noSuchResource()
      return isNamed ? 'get' : 'list'
    case 'POST':
      if (isNamed || needsNamespace) throw unsupportedMethod()
      return 'create'
    case 'PUT':
      if (!isNamed) throw unsupportedMethod()
      return 'update'
    case 'PATCH':
      if (!isNamed) throw unsupportedMethod()
      return 'patch'
    case 'DELETE':
      if (!isNamed && needsNamespace) throw unsupportedMethod()
      return isNamed ? 'delete' : 'deletecollection'
    default:
      throw unsupportedMethod()
  }
}

const handlers: Readonly<Record<Verb, (request: ResourceRequest) => Promise<void>>> = {
  get: (request) => {
    const { resource, path } = request
    const object = resource.storage.get(storageKey(path.namespace, path.name ?? ''))
    if (object === undefined) throw notFound(resource.definition, path.name ?? '')
    return answer(request, 200, present(resource, object))
  },

  async list(request) {
    const { parts, resource, path, query, response } = request
    const format = formatOf(request)
    const view = viewOf(resource, format, query, parts.environment.strategy.now)
    const selection = parseSelection(query, resource.definition, { namespace: path.namespace })
    const result = listObjects(parts.environment, resource, selection, query)
    const isEmptied =
      parts.faults.find('empty-list', request.request.url ?? '', request.side) !== undefined
    const shown = isEmptied ? { ...result, items: [], continueToken: undefined } : result
    if (view.listText !== undefined && format.encoding === 'json' && !format.isPretty) {
      sendText(response, 200, view.listText(shown), 'application/json')
    } else await sendObject(response, 200, view.list(shown), format)
  },

  watch(request) {
    const { parts, resource, path, query, response } = request
    const { environment } = parts
    const format = formatOf(request)
    const view = viewOf(resource, format, query, environment.strategy.now)
    const { namespace, name } = path
    const selection = parseSelection(query, resource.definition, { namespace, name })
    const isEmptied =
      parts.faults.find('empty-list', request.request.url ?? '', request.side) !== undefined
    const options = { ...parseWatchOptions(query), hidesInitial: isEmptied }
    response.writeHead(200, {
      'content-type': view.contentType,
      'cache-control': 'no-cache, private',
    })
    response.flushHeaders()
    const writer = new FrameWriter(response, environment.tuning.watchBacklogBytes)
    parts.faults.track({ url: request.request.url ?? '', side: request.side, writer })
    const show = (object: KubeObject) => view.event(present(resource, object))
    watchObjects(environment, resource, selection, options, show, writer)
    return Promise.resolve()
  },

  async create(request) {
    if (await answerReview(request)) return
    const { parts, resource, path } = request
    const options = writeOptionsOf(request, 'CreateOptions')
    const { object, warnings } = await objectOf(request, options)
    const { namespace } = path
    const created = createObject(parts.environment, resource, { namespace, object, options })
    await answer(request, 201, present(resource, created), warnings)
  },

  async update(request) {
    const { parts, resource, path } = request
    const options = writeOptionsOf(request, 'UpdateOptions')
    const { object, warnings } = await objectOf(request, options)
    const name = path.name ?? ''
    requireSamePlace(object, path)
    const updated = updateObject(parts.environment, resource, {
      namespace: path.namespace,
      name,
      options,
      change: () => object,
    })
    await answer(request, 200, present(resource, updated), warnings)
  },

  async patch(request) {
    const { parts, resource, path, query } = request
    const options = writeOptionsOf(request, 'PatchOptions')
    const patched = await patchObject(parts.environment, resource, {
      namespace: path.namespace,
      name: path.name ?? '',
      options,
      contentType: request.request.headers['content-type'],
      force: parseBoolean(query, 'force'),
      namedManager: query.get('fieldManager') ?? '',
      body: await readBody(request.request),
    })
    const code = patched.isCreated ? 201 : 200
    await answer(request, code, present(resource, patched.object), patched.warnings)
  },

  async delete(request) {
    const { parts, resource, path } = request
    const options = parseDeleteOptions(await optionalBody(request), request.query)
    const name = path.name ?? ''
    const at = { namespace: path.namespace, name }
    const { object, isGone } = deleteObject(parts.environment, resource, at, options)
    if (!isGone || resource.definition.returnsDeleted === true) {
      await answer(request, 200, present(resource, object))
      return
    }
    const { group, plural } = resource.definition
    await sendObject(
      request.response,
      200,
      {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Success',
        details: {
          name,
          ...(group !== '' && { group }),
          kind: plural,
          uid: object.metadata.uid,
        },
      },
      plainFormat(request),
    )
  },

  async deletecollection(request) {
    const { parts, resource, path, query, response } = request
    const { environment } = parts
    const options = parseDeleteOptions(await optionalBody(request), query)
    const selection = parseSelection(query, resource.definition, { namespace: path.namespace })
    const result = listObjects(environment, resource, selection, query)
    for (const { metadata } of result.items) {
      const at = { namespace: metadata.namespace, name: metadata.name }
      const isThere = resource.storage.get(storageKey(at.namespace, at.name)) !== undefined
      if (isThere) deleteObject(environment, resource, at, options)
    }
    const view = viewOf(resource, plainFormat(request), query, environment.strategy.now)
    await sendObject(response, 200, view.list(result), plainFormat(request))
  },
}

/** Sends one object as the client wants to see it. */
export async function answer(
  request: ResourceRequest,
  code: number,
  object: KubeObject,
  warnings: readonly string[] = [],
): Promise<void> {
  const { parts, resource, query, response } = request
  const format = formatOf(request)
  const view = viewOf(resource, format, query, parts.environment.strategy.now)
  await sendObject(response, code, view.object(object), format, warnings)
}

/** The object in the body of a create or update. */
export async function objectOf(
  request: ResourceRequest,
  options: Pick<WriteOptions, 'fieldValidation'>,
): Promise<ReturnType<typeof decodeObject>> {
  return decodeObject(request.resource, await bodyOf(request), options)
}

/** The body of a request, decoded by its content type. */
export async function bodyOf({ parts, request }: ResourceRequest): Promise<DecodedBody> {
  const { schema } = parts.environment
  return await decodeBody(await readBody(request), request.headers['content-type'], schema)
}

export function writeOptionsOf(
  { request, query }: ResourceRequest,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
): WriteOptions {
  return parseWriteOptions(query, request.headers['user-agent'], kind)
}

/** @throws ApiError 400 when a body names another object than the path */
export function requireSamePlace(
  { metadata }: MutableObject,
  path: Pick<ResourcePath, 'name' | 'namespace'>,
): void {
  const { name, namespace }: JsonObject = metadata
  if (name === undefined || name === '') throw badRequest('name must be provided')
  if (name !== path.name) {
    throw badRequest(
      `the name of the object (${asText(name)}) does not match the name on the URL (${path.name ?? ''})`,
    )
  }
  const isElsewhere = namespace !== undefined && namespace !== '' && namespace !== path.namespace
  if (isElsewhere && path.namespace !== undefined) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    )
  }
}

export function unsupportedMethod(): ApiError {
  return new ApiError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  )
}

async function optionalBody({ parts, request }: ResourceRequest): Promise<JsonObject> {
  const body = await readBody(request)
  if (body.length === 0) return {}
  const { schema } = parts.environment
  return (await decodeBody(body, request.headers['content-type'], schema)).value
}

export function formatOf({ request, query }: ResourceRequest): OutputFormat {
  return negotiate(request.headers.accept, {
    allowsViews: true,
    isPretty: isPretty(request, query),
  })
}

function plainFormat({ request, query }: ResourceRequest): OutputFormat {
  const format = negotiate(request.headers.accept, {
    allowsViews: true,
    isPretty: isPretty(request, query),
  })
  return { ...format, view: 'object' }
}

/** People who look with curl get it indented, as from the real server. */
function isPretty(
  request: { readonly headers: { readonly 'user-agent'?: string | undefined } },
  query: URLSearchParams,
): boolean {
  const asked = query.get('pretty')
  if (asked !== null && asked !== '') return asked === 'true' || asked === '1'
  return /^(curl|Wget|Mozilla\/5\.0)/.test(request.headers['user-agent'] ?? '')
}
