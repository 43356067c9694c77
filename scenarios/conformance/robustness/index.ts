import type { Check } from '../../../harness/api.ts'
import { flood } from './flood.ts'
import { limits } from './limits.ts'
import { objects } from './objects.ts'
import { rules } from './rules.ts'
import { settings } from './settings.ts'

/** Rows of robustness.yaml, in their order. */
export const robustness: readonly Check[] = [...rules, ...objects, ...flood, ...limits, ...settings]
