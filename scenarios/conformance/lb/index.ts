import type { Check } from '../../../harness/api.ts'
import { headerHash } from './header-hash.ts'
import { leastRequest } from './least-request.ts'
import { near } from './near.ts'
import { noDefinitions } from './no-definitions.ts'
import { destinationRules } from './rules.ts'
import { shares } from './shares.ts'
import { silent } from './silent.ts'
import { sourceHash } from './source-hash.ts'

/** Rows of lb.yaml. */
export const lb: readonly Check[] = [
  ...shares,
  ...headerHash,
  ...sourceHash,
  ...destinationRules,
  ...noDefinitions,
  ...silent,
  ...leastRequest,
  ...near,
]
