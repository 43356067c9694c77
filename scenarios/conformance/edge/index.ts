import type { Check } from '../../../harness/api.ts'

/** Rows of edge.yaml, in their order. */
export const edge: readonly Check[] = []
