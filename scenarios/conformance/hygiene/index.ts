import type { Check } from '../../../harness/api.ts'
import { besideKubeProxy } from './beside-kube-proxy.ts'
import { ended } from './ended.ts'
import { flows } from './flows.ts'
import { footprint } from './footprint.ts'
import { growth } from './growth.ts'
import { isolation } from './isolation.ts'
import { removal } from './removal.ts'
import { second } from './second.ts'
import { straySegments } from './stray-segments.ts'

/** Rows of hygiene.yaml, in their order. */
export const hygiene: readonly Check[] = [
  ...removal,
  ...besideKubeProxy,
  ...ended,
  ...second,
  ...growth,
  ...isolation,
  ...flows,
  ...straySegments,
  ...footprint,
]
