import { noSuchResource } from '../api-errors.ts'
import type { ResourceRequest } from '../http/request-context.ts'

/** Answers a request for what lies below one object. */
export async function handleSubresource(request: ResourceRequest): Promise<void> {
  const { path, resource } = request
  const { definition } = resource
  await Promise.resolve()
  if (path.subresource === 'status' && definition.hasStatus) {
    const { handleStatus } = await import('./status.ts')
    await handleStatus(request)
    return
  }
  throw noSuchResource()
}
