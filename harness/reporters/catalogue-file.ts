import type { Profile } from '../model/requirement.ts'

const files: readonly (readonly [prefix: RegExp, file: string])[] = [
  [/^DNSP-/, 'dns-protocol'],
  [/^DNSF-/, 'dns-freshness'],
  [/^DNS-/, 'dns-records'],
  [/^HYG-/, 'hygiene'],
]

/** Where a requirement is written down, from the root of the suite: `scenarios/catalogue/dns-records.yaml`. */
export function catalogueFile(id: string, profile: Profile): string {
  const name = files.find(([prefix]) => prefix.test(id))?.[1] ?? profile.toLowerCase()
  return `scenarios/catalogue/${name}.yaml`
}
