import type { Check } from '../../../harness/api.ts'
import { clusterIp } from './cluster-ip.ts'
import { edns } from './edns.ts'
import { endpointNames } from './endpoint-names.ts'
import { externalNames } from './external-name.ts'
import { families } from './families.ts'
import { freshness } from './freshness/index.ts'
import { header } from './header.ts'
import { headless } from './headless.ts'
import { negative } from './negative.ts'
import { notReady } from './not-ready.ts'
import { pods } from './pods.ts'
import { pointers } from './pointers.ts'
import { srv } from './srv.ts'
import { truncation } from './truncation.ts'
import { types } from './types.ts'
import { zone } from './zone.ts'

export const dns: readonly Check[] = [
  ...clusterIp,
  ...families,
  ...srv,
  ...headless,
  ...notReady,
  ...endpointNames,
  ...pointers,
  ...externalNames,
  ...pods,
  ...zone,
  ...header,
  ...negative,
  ...edns,
  ...truncation,
  ...types,
  ...freshness,
]
