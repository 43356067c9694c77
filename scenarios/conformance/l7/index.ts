import type { Check } from '../../../harness/api.ts'

/** Rows of l7.yaml, in their order. */
export const l7: readonly Check[] = []
