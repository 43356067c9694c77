import type { PacketsJob, ProbeJob, VolleyJob } from '../model/probe.ts'
import { nameProblem, typeNumber } from './dns-query.ts'
import {
  base64,
  checkFamily,
  checkFields,
  type Fields,
  flag,
  isObject,
  listOf,
  literalAddress,
  numberFrom,
  port,
  record,
  type Rule,
  string,
  timeoutMs,
  wholeNumber,
  word,
  wrong,
} from './rules.ts'

const token: Rule = {
  holds: (value) => typeof value === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value),
  want: "letters, digits and !#$%&'*+.^_`|~- (RFC 9110 section 5.6.2)",
}

const headers: Rule = {
  holds: isHeaders,
  want: 'a list of [name, value] without line breaks',
}

/** What a volley asks at most, over all connections. */
const mostRequests = 1_000_000

/** What a packets job sends and waits for at most. */
const mostDatagrams = 20_000

/** What each kind of job has to say, and what it may say (names that end in `?`). */
const rules: Readonly<Record<ProbeJob['kind'], Fields>> = {
  http: {
    url: { holds: isHttpUrl, want: 'an http:// URL' },
    'method?': token,
    'headers?': headers,
    'body?': string,
  },
  resolve: {
    name: word,
    'family?': { holds: (value) => value === 4 || value === 6, want: '4 or 6' },
  },
  dns: {
    name: {
      holds: (value) => typeof value === 'string' && nameProblem(value) === undefined,
      want: 'a domain name: labels of 1 to 63 bytes, 255 in all',
    },
    type: {
      holds: (value) => typeof value === 'string' && typeNumber(value) !== undefined,
      want: 'a record type like A, SRV or TYPE65',
    },
    transport: { holds: (value) => value === 'udp' || value === 'tcp', want: 'udp or tcp' },
    'server?': record({ address: word, port }),
    'recursionDesired?': flag,
    'edns?': record({ payloadBytes: wholeNumber(0, 65_535), dnssecOk: flag }),
  },
  tcp: {
    host: word,
    port,
    'send?': string,
    'expectBytes?': wholeNumber(0, 2 ** 31),
  },
  udp: { host: word, port, send: string },
  command: { argv: { holds: isArgv, want: 'a list of words, the first not empty' } },
  packets: {
    host: literalAddress,
    port,
    sockets: listOf(
      {
        'localAddress?': literalAddress,
        'localPort?': port,
        'connected?': flag,
        send: listOf({ atMs: numberFrom(0, 600_000), base64: base64(65_507) }, 0, 10_000),
      },
      1,
      1_000,
    ),
    expect: wholeNumber(0, mostDatagrams),
    'lingerMs?': numberFrom(0, 600_000),
  },
  volley: {
    host: literalAddress,
    port,
    connections: wholeNumber(1, 100_000),
    concurrency: wholeNumber(1, 1_000),
    'localAddresses?': {
      holds: (value) =>
        Array.isArray(value) &&
        value.length >= 1 &&
        value.length <= 1_000 &&
        value.every(literalAddress.holds),
      want: 'a list of 1 to 1000 literal addresses',
    },
    'send?': string,
    'http?': listOf(
      {
        path: {
          holds: (value) => typeof value === 'string' && /^\/[\x21-\x7e]*$/.test(value),
          want: 'a path without blanks, from / on',
        },
        'headers?': headers,
      },
      1,
      1_000,
    ),
    connectionTimeoutMs: timeoutMs,
  },
}

/**
 * Checks a job that came over the wire.
 * @throws JobProblem naming the first field that is wrong, its value and the rule
 */
export function parseJob(job: unknown): ProbeJob {
  if (!isObject(job)) throw wrong('job', job, 'an object')
  const kind = job['kind']
  if (typeof kind !== 'string' || !Object.hasOwn(rules, kind))
    throw wrong('kind', kind, `one of ${Object.keys(rules).join(', ')}`)
  checkFields(job, { timeoutMs, ...rules[kind as ProbeJob['kind']] }, '')
  const parsed = job as unknown as ProbeJob
  if (parsed.kind === 'packets') checkPackets(parsed)
  if (parsed.kind === 'volley') checkVolley(parsed)
  return parsed
}

/** What the fields of a volley have to do with each other. */
function checkVolley({ host, localAddresses = [], connections, http = [] }: VolleyJob): void {
  for (const [index, address] of localAddresses.entries())
    checkFamily(`localAddresses[${index}]`, address, host)
  if (connections * http.length > mostRequests)
    throw wrong('connections', connections, `at most ${mostRequests} requests over all connections`)
}

/** What the fields of a packets job have to do with each other. */
function checkPackets({ host, sockets, timeoutMs: mostMs }: PacketsJob): void {
  let datagrams = 0
  for (const [index, { localAddress, send }] of sockets.entries()) {
    const at = `sockets[${index}]`
    checkFamily(`${at}.localAddress`, localAddress, host)
    for (const [number, { atMs }] of send.entries())
      if (atMs > mostMs)
        throw wrong(`${at}.send[${number}].atMs`, atMs, `at most timeoutMs, ${mostMs}`)
    datagrams += send.length
  }
  if (datagrams > mostDatagrams)
    throw wrong('sockets', datagrams, `at most ${mostDatagrams} datagrams over all sockets`)
}

function isHttpUrl(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).protocol === 'http:'
}

function isHeaders(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (pair: unknown) =>
        Array.isArray(pair) &&
        pair.length === 2 &&
        token.holds(pair[0]) &&
        typeof pair[1] === 'string' &&
        !/[\r\n\0]/.test(pair[1]),
    )
  )
}

function isArgv(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value[0] !== '' &&
    value.every((one) => typeof one === 'string' && !one.includes('\0'))
  )
}
