import type { Check } from '../../../harness/api.ts'
import { clusterIp } from './cluster-ip.ts'
import { edns } from './edns.ts'
import { header } from './header.ts'
import { negative } from './negative.ts'
import { truncation } from './truncation.ts'
import { types } from './types.ts'

export const dns: readonly Check[] = [
  ...clusterIp,
  ...header,
  ...negative,
  ...edns,
  ...truncation,
  ...types,
]
