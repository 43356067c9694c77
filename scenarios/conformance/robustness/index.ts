import type { Check } from '../../../harness/api.ts'

/** Rows of robustness.yaml, in their order. */
export const robustness: readonly Check[] = []
