import { noSuchResource } from '../api-errors.ts'
import type { ResourceRequest } from '../http/request-context.ts'
import { ApiError } from '../resource-definition.ts'

type Handler = (request: ResourceRequest) => Promise<void>

/** Subresources by `group/plural/name`; loaded when first asked for, as most clusters never ask. */
const handlers: Readonly<Record<string, () => Promise<Handler>>> = {
  '/pods/binding': async () => (await import('./binding.ts')).handleBinding,
  '/pods/eviction': async () => (await import('./eviction.ts')).handleEviction,
  '/pods/log': async () => (await import('./pod-log.ts')).handleLog,
  '/pods/exec': async () => (await import('./pod-exec.ts')).refuseWithoutUpgrade,
  '/pods/attach': async () => (await import('./pod-exec.ts')).refuseWithoutUpgrade,
  '/pods/portforward': () => Promise.resolve(refuse('port-forward')),
  '/pods/proxy': () => Promise.resolve(refuse('proxy')),
  '/services/proxy': () => Promise.resolve(refuse('proxy')),
  '/nodes/proxy': () => Promise.resolve(refuse('proxy')),
  '/serviceaccounts/token': async () => (await import('./token.ts')).handleToken,
  '/namespaces/finalize': async () => (await import('./finalize.ts')).handleFinalize,
}

/** Answers a request for what lies below one object. */
export async function handleSubresource(request: ResourceRequest): Promise<void> {
  const { path, resource } = request
  const { definition } = resource
  if (path.subresource === 'status' && definition.hasStatus) {
    const { handleStatus } = await import('./status.ts')
    await handleStatus(request)
    return
  }
  if (path.subresource === 'scale' && definition.scale !== undefined) {
    const { handleScale } = await import('./scale.ts')
    await handleScale(request)
    return
  }
  const load = handlers[`${definition.group}/${definition.plural}/${path.subresource ?? ''}`]
  if (load === undefined) throw noSuchResource()
  await (
    await load()
  )(request)
}

/** The message of what provider local leaves to real clusters. */
export function notHere(what: string): ApiError {
  return new ApiError(
    501,
    'NotImplemented',
    `provider local does not serve ${what}; real clusters do (meshmark --provider kind or k3d)`,
    {},
  )
}

function refuse(what: string): Handler {
  return () => Promise.reject(notHere(what))
}
