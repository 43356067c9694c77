import type { CoarseClock } from './clock.ts'
import type { HttpSettings } from './settings.ts'

/** What all connections of one proxy share. */
export interface ProxyState {
  readonly clock: CoarseClock
  readonly settings: HttpSettings
  draining: boolean
  /** What clients sent and was not used yet: heads that are not whole, requests behind the present one. */
  inputBytes: number
}
