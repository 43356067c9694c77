/** Text to values, for flags, variables and the configuration file alike. */
import { isIP, isIPv4 } from 'node:net'
import type { Server } from './dns/exchange.ts'
import { isEncodable, nameOf } from './wire/dns-name.ts'

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** `want` completes "got X, want ...". */
  | { readonly ok: false; readonly want: string }

export type Parser<T> = (raw: string) => Parsed<T>

export function fail(want: string): { readonly ok: false; readonly want: string } {
  return { ok: false, want }
}

function value<T>(found: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value: found }
}

export function text(raw: string): Parsed<string> {
  return raw.trim() === '' ? fail('text') : value(raw.trim())
}

export function path(raw: string): Parsed<string> {
  return raw.trim() === '' ? fail('a path') : value(raw)
}

export function boolean(raw: string): Parsed<boolean> {
  if (raw === 'true' || raw === 'false') return value(raw === 'true')
  return fail('true or false')
}

export function oneOf<T extends string>(...allowed: readonly T[]): Parser<T> {
  return (raw) => {
    const found = allowed.find((one) => one === raw)
    return found === undefined ? fail(allowed.join(', ')) : value(found)
  }
}

export function integer(smallest: number, largest: number): Parser<number> {
  return (raw) => {
    const found = Number(raw)
    const valid = /^\d+$/.test(raw) && found >= smallest && found <= largest
    return valid ? value(found) : fail(`a whole number from ${smallest} to ${largest}`)
  }
}

/** `20`, `0.5` or `20s`. */
export function seconds(smallest: number, largest: number): Parser<number> {
  return (raw) => {
    const found = Number(raw.replace(/s$/, ''))
    const valid = /^\d+(\.\d+)?s?$/.test(raw) && found >= smallest && found <= largest
    return valid ? value(found) : fail(`seconds from ${smallest} to ${largest}`)
  }
}

export function ipAddress(raw: string): Parsed<string> {
  return isIP(raw) === 0 ? fail('an IP address') : value(raw)
}

export function url(raw: string): Parsed<string> {
  const valid = URL.canParse(raw) && /^https?:$/.test(new URL(raw).protocol)
  return valid ? value(raw) : fail('a URL such as https://10.0.0.1:6443')
}

/** A zone below which the longest Service and namespace names still fit. */
export function domain(raw: string): Parsed<string> {
  const zone = raw.replace(/\.$/, '').toLowerCase()
  const longest = 'x'.repeat(63)
  const valid =
    zone.split('.').every((label) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(label)) &&
    isEncodable(nameOf(`${longest}.${longest}.svc.${zone}`))
  return valid ? value(zone) : fail('a domain name such as cluster.local')
}

/** `127.0.0.1:10354`, `[::1]:10354`. */
export function addressAndPort(raw: string): Parsed<Server> {
  const found = split(raw)
  return found?.port === undefined
    ? fail('IP:PORT such as 127.0.0.1:10354')
    : value({ address: found.address, port: found.port })
}

/** Name servers, separated by commas; port 53 unless one is given. */
export function servers(raw: string): Parsed<readonly Server[]> {
  const parts = raw.split(',').map((part) => split(part.trim()))
  const found = parts.flatMap((part) =>
    part === undefined ? [] : [{ address: part.address, port: part.port ?? 53 }],
  )
  return found.length === parts.length
    ? value(found)
    : fail('IP addresses or IP:PORT, comma-separated')
}

function split(raw: string): { readonly address: string; readonly port?: number } | undefined {
  if (isIP(raw) !== 0) return { address: raw }
  const [, bracketed, plain, digits] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(raw) ?? []
  const address = bracketed ?? plain ?? ''
  const port = Number(digits)
  const valid =
    (bracketed === undefined ? isIPv4(address) : isIP(address) === 6) && port < 65_536 && port > 0
  return valid ? { address, port } : undefined
}
