import type { Check } from '../../../harness/api.ts'
import { reach } from './reach.ts'

export const l4: readonly Check[] = [...reach]
