import type { Name } from './dns-name.ts'

/** What a record says, by type. */
export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME' | 'PTR' | 'NS'; readonly target: Name }
  | {
      readonly type: 'SRV'
      readonly priority: number
      readonly weight: number
      readonly port: number
      readonly target: Name
    }
  | { readonly type: 'TXT'; readonly text: string }
  | { readonly type: 'HINFO'; readonly cpu: string; readonly os: string }
  | {
      readonly type: 'SOA'
      readonly primary: Name
      readonly mailbox: Name
      readonly serial: number
      readonly refreshSeconds: number
      readonly retrySeconds: number
      readonly expireSeconds: number
      readonly minimumSeconds: number
    }

/** Data of any other type, as bytes that hold no compressed name. */
export interface RawData {
  readonly type: 'raw'
  readonly code: number
  readonly bytes: Buffer
}

export interface ResourceRecord {
  readonly name: Name
  readonly ttlSeconds: number
  readonly data: RecordData | RawData
}
