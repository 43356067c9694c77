import type { Check } from '../../../harness/api.ts'
import { bodies } from './bodies.ts'
import { connections } from './connections.ts'
import { fields } from './fields.ts'
import { limits } from './limits.ts'
import { requests } from './requests.ts'
import { upgrades } from './upgrades.ts'

export const l7: readonly Check[] = [
  ...requests,
  ...connections,
  ...bodies,
  ...upgrades,
  ...limits,
  ...fields,
]
