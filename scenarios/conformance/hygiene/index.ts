import type { Check } from '../../../harness/api.ts'

/** Rows of hygiene.yaml, in their order. */
export const hygiene: readonly Check[] = []
