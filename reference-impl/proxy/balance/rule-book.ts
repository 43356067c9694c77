/** Which DestinationRule decides about which Service port. Pure; what is not done becomes a problem for people. */
import type { BalancePolicy, DestinationRuleView, ServiceView } from '../../kube/snapshot.ts'

/** The rules of all namespaces, each with the Service of its own namespace that its host names. */
export class RuleBook {
  readonly #byService = new Map<string, DestinationRuleView>()
  readonly #named: readonly DestinationRuleView[]
  readonly #clusterDomain: string

  constructor(rules: readonly DestinationRuleView[], clusterDomain: string, problems: string[]) {
    this.#clusterDomain = clusterDomain.toLowerCase().replace(/\.$/, '')
    const oldestFirst = [...rules].sort(byAge)
    for (const rule of oldestFirst) this.#add(rule, problems)
    this.#named = oldestFirst.filter(
      ({ name, host }) => host !== '' && this.#serviceOf(host) !== name,
    )
  }

  /** How a port is balanced where nothing else is said: as its Service's rule says, or in turn. */
  policyFor(
    { namespace, name }: Pick<ServiceView, 'namespace' | 'name'>,
    port: number,
  ): BalancePolicy {
    const rule = this.#byService.get(`${namespace}/${name}`)
    if (rule === undefined) return 'round-robin'
    return rule.ports.find((one) => one.port === port)?.policy ?? rule.policy
  }

  /** Rules that bear the name of a Service and mean another one: people may expect EdgeMesh's habit. */
  misleading(services: Iterable<ServiceView>): readonly string[] {
    if (this.#named.length === 0) return []
    const known = new Set([...services].map(({ namespace, name }) => `${namespace}/${name}`))
    return this.#named
      .filter(({ namespace, name }) => known.has(`${namespace}/${name}`))
      .map(
        (rule) =>
          `${titleOf(rule)}: its host ${rule.host} decides, the Service that it is named like is not meant`,
      )
  }

  #add(rule: DestinationRuleView, problems: string[]): void {
    const notes = [...rule.notes]
    const { namespace, name, host } = rule
    // why: EdgeMesh finds a rule by the name of the object; a host, when there is one, says more
    const service = host === '' ? name : this.#serviceOf(host, namespace)
    if (service === undefined) {
      notes.push(
        `host ${JSON.stringify(host.slice(0, 260))} is no Service of namespace ${namespace}: not applied`,
      )
    } else {
      const key = `${namespace}/${service}`
      const older = this.#byService.get(key)
      if (older === undefined) this.#byService.set(key, rule)
      else notes.push(`Service ${key} follows the older DestinationRule ${older.name}`)
    }
    if (notes.length > 0) problems.push(`${titleOf(rule)}: not understood: ${notes.join('; ')}`)
  }

  /** Name of the Service for `web`, `web.ns`, `web.ns.svc` and `web.ns.svc.cluster.local`; undefined for others. */
  #serviceOf(host: string, namespace?: string): string | undefined {
    const [service = '', itsNamespace, ...rest] = host.replace(/\.$/, '').split('.')
    if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(service)) return undefined
    if (itsNamespace === undefined) return service
    if (namespace !== undefined && itsNamespace !== namespace) return undefined
    const isInCluster = ['', 'svc', `svc.${this.#clusterDomain}`].includes(rest.join('.'))
    return isInCluster ? service : undefined
  }
}

function byAge(a: DestinationRuleView, b: DestinationRuleView): number {
  if (a.created !== b.created) return a.created < b.created ? -1 : 1
  return `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1
}

function titleOf({ namespace, name }: DestinationRuleView): string {
  return `DestinationRule ${namespace}/${name}`
}
