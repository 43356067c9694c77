import type { Check } from '../../../harness/api.ts'
import { clusterIp } from './cluster-ip.ts'
import { concurrency } from './concurrency.ts'
import { edns } from './edns.ts'
import { endpointNames } from './endpoint-names.ts'
import { externalNames } from './external-name.ts'
import { families } from './families.ts'
import { firstSync } from './first-sync.ts'
import { forwardTrouble } from './forward-trouble.ts'
import { forward } from './forward.ts'
import { freshness } from './freshness/index.ts'
import { header } from './header.ts'
import { headless } from './headless.ts'
import { malformed } from './malformed.ts'
import { negative } from './negative.ts'
import { notReady } from './not-ready.ts'
import { pods } from './pods.ts'
import { pointers } from './pointers.ts'
import { resolverChecks } from './resolvers.ts'
import { srv } from './srv.ts'
import { tcp } from './tcp.ts'
import { truncation } from './truncation.ts'
import { ttl } from './ttl.ts'
import { types } from './types.ts'
import { zone } from './zone.ts'

export const dns: readonly Check[] = [
  ...clusterIp,
  ...families,
  ...srv,
  ...headless,
  ...notReady,
  ...endpointNames,
  ...pointers,
  ...externalNames,
  ...pods,
  ...zone,
  ...header,
  ...negative,
  ...edns,
  ...truncation,
  ...types,
  ...tcp,
  ...malformed,
  ...ttl,
  ...concurrency,
  ...forward,
  ...forwardTrouble,
  ...firstSync,
  ...resolverChecks,
  ...freshness,
]
