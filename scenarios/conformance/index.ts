import type { Check } from '../../harness/api.ts'
import { dns } from './dns/index.ts'
import { edge } from './edge/index.ts'
import { hygiene } from './hygiene/index.ts'
import { l4 } from './l4/index.ts'
import { l7 } from './l7/index.ts'
import { lb } from './lb/index.ts'
import { robustness } from './robustness/index.ts'
import { security } from './security/index.ts'

/** Every check there is. A test holds this list against the catalogue and against the folders. */
export const checks: readonly Check[] = [
  ...dns,
  ...l4,
  ...l7,
  ...lb,
  ...edge,
  ...hygiene,
  ...security,
  ...robustness,
]
