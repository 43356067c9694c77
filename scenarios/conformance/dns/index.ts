import type { Check } from '../../../harness/api.ts'
import { clusterIp } from './cluster-ip.ts'

export const dns: readonly Check[] = [...clusterIp]
