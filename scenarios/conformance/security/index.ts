import type { Check } from '../../../harness/api.ts'
import { claims } from './claims.ts'
import { connectionFlood } from './connection-flood.ts'
import { exposure } from './exposure.ts'
import { foreignApi } from './foreign-api.ts'
import { nameFlood } from './name-flood.ts'
import { networkPolicy } from './network-policy.ts'
import { privileges } from './privileges.ts'
import { secrets } from './secrets.ts'
import { tenants } from './tenants.ts'

/** Rows of security.yaml. */
export const security: readonly Check[] = [
  ...exposure,
  ...claims,
  ...privileges,
  ...connectionFlood,
  ...nameFlood,
  ...networkPolicy,
  ...foreignApi,
  ...secrets,
  ...tenants,
]
