import type { ClusterProvider } from '../../model/cluster.ts'
import type { Problem } from '../../model/errors.ts'
import { HarnessError } from '../../model/errors.ts'
import type { AbortOptions } from '../../model/abort.ts'
import { attachKind } from './attach.ts'
import { bootKind, type KindInit } from './boot.ts'
import { kindCli, output } from './cli.ts'
import { readRecord } from './state.ts'

export interface KindProviderInit extends KindInit {
  /** Name of a kept cluster to use instead of a new one. */
  readonly cluster?: string
  /** The target that will stand in it. */
  readonly target?: string
}

/** Clusters of Docker containers by the kind CLI: real kubelets, a real control plane, about half a minute. */
export function kind(init: KindProviderInit): ClusterProvider {
  const { cluster, ...boot } = init
  return {
    id: 'kind',
    makesMore: true,
    preflight: (options) => preflight(init, options),
    create: async (topology, options) => {
      if (cluster === undefined) return bootKind(boot, topology, options)
      if (options.isBeside !== true) return attachKind({ ...boot, cluster }, topology, options)
      const { kubeProxyMode } = (await readRecord(cluster)) ?? {}
      return bootKind({ ...(kubeProxyMode && { kubeProxyMode }), ...boot }, topology, options)
    },
  }
}

async function preflight(
  { nodeImage, images = [] }: KindInit,
  options: AbortOptions,
): Promise<readonly Problem[]> {
  const wanted = [...(nodeImage === undefined ? [] : [nodeImage]), ...images]
  const found = await Promise.all([
    problemOf('kind', () => kindCli.version(options)),
    problemOf('docker', () =>
      output(['docker', 'version', '--format', '{{.Server.Version}}'], options),
    ),
  ])
  // why: without Docker there is nothing to say about its images
  if (found.flat().length === 0)
    for (const image of wanted) {
      const inspect = ['docker', 'image', 'inspect', '--format', '{{.Id}}', image]
      found.push(await problemOf(`image ${image}`, () => output(inspect, options)))
    }
  return found.flat()
}

async function problemOf(
  subject: string,
  work: () => Promise<unknown>,
): Promise<readonly Problem[]> {
  try {
    await work()
    return []
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error
    const { message, hint } = error
    return [{ subject, message, ...(hint !== undefined && { cure: hint }) }]
  }
}
