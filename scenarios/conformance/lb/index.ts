import type { Check } from '../../../harness/api.ts'

/** Rows of lb.yaml, in their order. */
export const lb: readonly Check[] = []
