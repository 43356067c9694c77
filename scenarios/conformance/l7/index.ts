import type { Check } from '../../../harness/api.ts'
import { bodies } from './bodies.ts'
import { connections } from './connections.ts'
import { drain } from './drain.ts'
import { failures } from './failures.ts'
import { fields } from './fields.ts'
import { h2 } from './h2.ts'
import { limits } from './limits.ts'
import { load } from './load.ts'
import { replays } from './replays.ts'
import { requests } from './requests.ts'
import { selection } from './selection.ts'
import { smuggling } from './smuggling.ts'
import { tls } from './tls.ts'
import { upgrades } from './upgrades.ts'

export const l7: readonly Check[] = [
  ...selection,
  ...requests,
  ...connections,
  ...bodies,
  ...upgrades,
  ...h2,
  ...tls,
  ...limits,
  ...load,
  ...smuggling,
  ...failures,
  ...replays,
  ...fields,
  ...drain,
]
