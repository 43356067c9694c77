import type { Assessment, Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { backendNames, backends } from '../l4/backends.fixture.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { type Look, nameHas, tcpAnswered, udpAnswered } from '../support/steady.ts'

/** What rows about outages look at: the Service `web` of the fixture `backends`, its name and its ports. */
export interface Scene {
  readonly namespace: string
  readonly ip: string
  readonly name: string
  readonly names: readonly Look[]
  readonly traffic: readonly Look[]
  readonly all: readonly Look[]
}

/**
 * A run that begins when the first edge node knows everything: what is lost later was there before. When it does not
 * know it in time, that is the verdict.
 */
export function whenKnown(
  run: (context: CheckContext, scene: Scene) => Promise<Assessment>,
): Check['run'] {
  return async (context) => {
    const scene = await sceneOf(context)
    const { accepted, seen } = await holdWithin(
      context,
      scene.all,
      context.threshold('convergenceMs'),
    )
    if (accepted) return run(context, scene)
    return new Judgement()
      .holds('before anything is broken', 'every name and connection as it has to be', seen, false)
      .assessment(seen)
  }
}

async function sceneOf(context: CheckContext): Promise<Scene> {
  const namespace = context.fixture(backends)
  const ip = await clusterIpOf(context, namespace, 'web')
  const kubernetes = await clusterIpOf(context, 'default', 'kubernetes')
  const name = serviceName(context, 'web', namespace)
  const [pod, host] = [inPod(context), onHost(context)]
  const names = [
    nameHas(context, pod, name, [ip]),
    nameHas(context, host, name, [ip]),
    nameHas(context, pod, serviceName(context, 'kubernetes', 'default'), [kubernetes]),
  ]
  const traffic = [
    tcpAnswered(context, pod, ip, 81, backendNames),
    tcpAnswered(context, host, ip, 81, backendNames),
    udpAnswered(context, pod, ip, 83),
  ]
  return { namespace, ip, name, names, traffic, all: [...names, ...traffic] }
}

/** Looks until everything is as it has to be; `seen` says what is not. */
export function holdWithin(
  context: CheckContext,
  looks: readonly Look[],
  withinMs: number,
): Promise<{ readonly accepted: boolean; readonly seen: string; readonly tookMs: number }> {
  return eventually(
    async () => {
      const found = await Promise.all(
        looks.map(async ({ name, look }) => ({ name, problem: await look() })),
      )
      return found
        .flatMap(({ name, problem }) => (problem === undefined ? [] : [`${name}: ${problem}`]))
        .join('; ')
    },
    (problems) => problems === '',
    { withinMs, signal: context.signal },
  )
}
