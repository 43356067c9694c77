import type { Mutant } from '../../../model/mutant.ts'
import { dnsMutants } from './dns.ts'
import { dnsEndpointMutants } from './dns-endpoints.ts'
import { dnsFreshnessMutants } from './dns-freshness.ts'
import { dnsServiceMutants } from './dns-services.ts'
import { dnspMutants } from './dnsp.ts'
import { dnspForwardMutants } from './dnsp-forward.ts'
import { edgeMutants } from './edge.ts'
import { edgeClientMutants } from './edge-clients.ts'
import { edgeOutageMutants } from './edge-outage.ts'
import { hygieneMutants } from './hygiene.ts'
import { l4aMutants } from './l4a.ts'
import { l4bMutants } from './l4b.ts'
import { l4StreamMutants } from './l4-streams.ts'
import { l7Mutants } from './l7.ts'
import { lbMutants } from './lb.ts'
import { securityMutants } from './security.ts'
import { robustnessMutants } from './robustness.ts'

/** Every fault that the suite is proven by. A test holds each against the compiled program. */
export const mutants: readonly Mutant[] = [
  ...dnsMutants,
  ...dnsEndpointMutants,
  ...dnsFreshnessMutants,
  ...dnsServiceMutants,
  ...dnspMutants,
  ...dnspForwardMutants,
  ...edgeMutants,
  ...edgeClientMutants,
  ...edgeOutageMutants,
  ...hygieneMutants,
  ...l4aMutants,
  ...l4bMutants,
  ...l4StreamMutants,
  ...l7Mutants,
  ...lbMutants,
  ...securityMutants,
  ...robustnessMutants,
]
