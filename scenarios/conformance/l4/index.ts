import type { Check } from '../../../harness/api.ts'
import { affinityTime } from './affinity-time.ts'
import { affinity } from './affinity.ts'
import { conditions } from './conditions.ts'
import { datagrams } from './datagrams.ts'
import { endpoints } from './endpoints.ts'
import { evicted } from './evicted.ts'
import { externalPolicy } from './external-policy.ts'
import { flows } from './flows.ts'
import { hairpin } from './hairpin.ts'
import { ipv6 } from './ipv6.ts'
import { labels } from './labels.ts'
import { lag } from './lag.ts'
import { life } from './life.ts'
import { noEndpoints } from './no-endpoints.ts'
import { nodePorts } from './node-ports.ts'
import { pathMtu } from './path-mtu.ts'
import { portsOfServices } from './ports.ts'
import { reach } from './reach.ts'
import { readiness } from './readiness.ts'
import { rolling } from './rolling.ts'
import { scale } from './scale.ts'
import { source } from './source.ts'
import { streamLoad } from './stream-load.ts'
import { streamTrouble } from './stream-trouble.ts'
import { streams } from './streams.ts'
import { trafficDistribution } from './traffic-distribution.ts'
import { trafficPolicy } from './traffic-policy.ts'

export const l4: readonly Check[] = [
  ...reach,
  ...portsOfServices,
  ...endpoints,
  ...ipv6,
  ...noEndpoints,
  ...evicted,
  ...affinity,
  ...affinityTime,
  ...readiness,
  ...conditions,
  ...rolling,
  ...datagrams,
  ...flows,
  ...source,
  ...life,
  ...labels,
  ...lag,
  ...trafficPolicy,
  ...trafficDistribution,
  ...externalPolicy,
  ...nodePorts,
  ...hairpin,
  ...streams,
  ...streamLoad,
  ...streamTrouble,
  ...scale,
  ...pathMtu,
]
