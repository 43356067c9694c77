/** What a file of the catalogue may say; anything else is an error. */
import { z } from 'zod'
import type { CatalogueFeature, Level, Profile, Requirement, Source } from '../harness/api.ts'

const levels = ['MUST', 'SHOULD', 'MAY'] as const satisfies readonly Level[]

const profiles = [
  'DNS',
  'L4',
  'L7',
  'LB',
  'EDGE',
  'GATEWAY',
  'SECURITY',
  'ROBUSTNESS',
] as const satisfies readonly Profile[]

/** A record, so that the compiler finds a feature that is missing here. */
const features: Readonly<Record<CatalogueFeature, CatalogueFeature>> = {
  ipv6: 'ipv6',
  podRecords: 'podRecords',
  externalName: 'externalName',
  sctp: 'sctp',
  nodePort: 'nodePort',
  externalIPs: 'externalIPs',
  internalTrafficPolicy: 'internalTrafficPolicy',
  externalTrafficPolicy: 'externalTrafficPolicy',
  trafficDistribution: 'trafficDistribution',
  terminatingEndpoints: 'terminatingEndpoints',
  sourceIP: 'sourceIP',
  h2: 'h2',
  grpc: 'grpc',
  forwardedHeaders: 'forwardedHeaders',
  retries: 'retries',
  httpRoute: 'httpRoute',
  'l7-proxy': 'l7-proxy',
  random: 'random',
  consistentHash: 'consistentHash',
  leastRequest: 'leastRequest',
  destinationRule: 'destinationRule',
  relay: 'relay',
  holePunch: 'holePunch',
  mdns: 'mdns',
  'persisted-cache': 'persisted-cache',
  serviceFilter: 'serviceFilter',
  netfilterRules: 'netfilterRules',
  tls: 'tls',
  mtls: 'mtls',
  tcpRoute: 'tcpRoute',
  vsMatch: 'vsMatch',
  vsRewrite: 'vsRewrite',
  vsRedirect: 'vsRedirect',
  vsTimeout: 'vsTimeout',
  vsMirror: 'vsMirror',
  vsWeights: 'vsWeights',
  gatewayAPI: 'gatewayAPI',
  psk: 'psk',
}

const id = z.string().regex(/^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*-\d{3}$/, 'want an id like DNS-A-001')

/** Text of its own, without blanks around it. */
const text = z
  .string()
  .min(1)
  .refine((value) => value.trim() === value, 'blanks at an end')

const sentence = text.regex(/[.?]$/, 'want a sentence that ends with a full stop')

/** Written only where it is so. */
const flag = z.literal(true).exactOptional()

const sourceSchema = z.strictObject({
  ref: text,
  url: z.url({ protocol: /^https$/ }).exactOptional(),
})

/** A number by its name, with the unit in it: `convergenceMs: 30000`. */
const thresholds = z.record(
  z.string().regex(/^[a-z]+([A-Z0-9][A-Za-z0-9]*)?$/, 'want a name in camelCase'),
  z.number().nonnegative(),
)

/** A row as it is written: what is not said is absent. */
export type Row = Pick<Requirement, 'id' | 'level' | 'environment' | 'sentence'> &
  Partial<Pick<Requirement, 'feature' | 'thresholds' | 'notAutomated' | 'why'>> & {
    readonly disruptive?: true
    readonly slow?: true
    readonly sources: readonly Source[]
  }

const rowSchema: z.ZodType<Row> = z.strictObject({
  id,
  level: z.enum(levels),
  feature: z.enum(features).exactOptional(),
  environment: z.enum(['N', 'K', 'B']),
  disruptive: flag,
  slow: flag,
  sources: z.array(sourceSchema).min(1),
  sentence,
  thresholds: thresholds.exactOptional(),
  notAutomated: text.exactOptional(),
  why: sentence.exactOptional(),
})

export const fileSchema: z.ZodType<{
  readonly profile: Profile
  /** For every row that does not say otherwise. */
  readonly thresholds?: Readonly<Record<string, number>>
  readonly requirements: readonly Row[]
}> = z.strictObject({
  profile: z.enum(profiles),
  thresholds: thresholds.exactOptional(),
  requirements: z.array(rowSchema).min(1),
})

/** Ids that were given up. They stay here for ever, so that none is used again. */
export const retiredSchema: z.ZodType<{
  readonly retired: readonly { readonly id: string; readonly why: string }[]
}> = z.strictObject({
  retired: z.array(z.strictObject({ id, why: sentence })),
})
