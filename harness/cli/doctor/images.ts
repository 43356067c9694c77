import { baseOf } from '../../clusters/images/build.ts'
import { probeImageSource } from '../../clusters/images/probe.ts'
import { usualNginx } from '../adapters.ts'
import { execute, which } from './execute.ts'
import type { Finding } from './finding.ts'

/** Images of others that providers kind and k3d need in Docker: a run pulls none. */
export async function lookAtImages(): Promise<Finding> {
  const common = { id: 'images', required: false }
  const nothingToSay = { ...common, state: 'ok', detail: 'no Docker, so none is needed' } as const
  if (which('docker') === undefined) return nothingToSay
  const server = await execute('docker', ['version', '--format', '{{.Server.Version}}'])
  if (server.code !== 0) return nothingToSay
  const { MESHMARK_KIND_NODE_IMAGE: nodes = '' } = process.env
  const base = baseOf(probeImageSource().dockerfile)
  const wanted = [usualNginx, ...(base === undefined ? [] : [base]), nodes].filter(
    (image) => image !== '',
  )
  const found = await Promise.all(
    wanted.map((image) => execute('docker', ['image', 'inspect', '--format', '{{.Id}}', image])),
  )
  const missing = wanted.filter((_, index) => found[index]?.code !== 0)
  if (missing.length === 0) return { ...common, state: 'ok', detail: wanted.join(', ') }
  return {
    ...common,
    state: 'missing',
    detail: `Docker has not: ${missing.join(', ')}`,
    costs: 'providers kind and k3d',
    cure: missing.map((image) => `docker pull ${image}`).join('; '),
    pulls: missing,
  }
}
