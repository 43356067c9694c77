import type { Check } from '../../../../harness/api.ts'
import { changingEndpoints } from './endpoints.ts'
import { manyServices } from './many.ts'
import { changingServices } from './services.ts'
import { replacedPods } from './replaced.ts'
import { troubled } from './trouble.ts'

/** How soon changes show in DNS. */
export const freshness: readonly Check[] = [
  ...changingServices,
  ...changingEndpoints,
  ...manyServices,
  ...replacedPods,
  ...troubled,
]
