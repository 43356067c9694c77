import type { Check } from '../../../harness/api.ts'

/** Rows of security.yaml, in their order. */
export const security: readonly Check[] = []
