import type { Journal } from './journal.ts'
import type { Ring } from './ring.ts'

/** How many entries of each list are told unless `last` says otherwise: a probe reads 1 MiB of an answer. */
const defaultLast = 500

/**
 * What the journal holds, as JSON. `?contains=TEXT` keeps requests whose head or body, datagrams whose bytes, queries whose
 * name and streams whose command or peer contain the text; `?port=N` those of a port; `?last=N` the last N of each list;
 * `?only=requests` one list. `matched` counts before `last` cuts, `dropped` what was forgotten for want of room.
 */
export function seen(journal: Journal, query: URLSearchParams): object {
  const text = query.get('contains') ?? ''
  const last = Number(query.get('last') ?? defaultLast)
  const only = query.get('only')
  const port = query.has('port') ? Number(query.get('port')) : undefined
  const lists: Record<string, unknown> = {}
  const matched: Record<string, number> = {}
  const dropped: Record<string, number> = {}
  const tell = <T extends { readonly port: number }>(
    name: string,
    { entries, dropped: forgotten }: Ring<T>,
    texts: (entry: T) => readonly (string | Buffer)[],
  ): void => {
    if (only !== null && only !== name) return
    const fitting = entries.filter(
      (entry) =>
        (port === undefined || entry.port === port) &&
        (text === '' || texts(entry).some((one) => one.includes(text))),
    )
    lists[name] = (last > 0 ? fitting.slice(-last) : []).map(asJson)
    matched[name] = fitting.length
    dropped[name] = forgotten
  }
  tell('requests', journal.requests, ({ head, body }) => [head, body])
  tell('streams', journal.streams, ({ command, peer }) => [command, peer])
  tell('datagrams', journal.datagrams, ({ data, peer }) => [data, peer])
  tell('dnsQueries', journal.dnsQueries, ({ name }) => [name])
  const { connections, open } = journal
  return { connections, open, ...lists, matched, dropped }
}

/** Bytes become base64. */
function asJson(entry: object): object {
  return Object.fromEntries(
    Object.entries(entry).map(([key, value]: [string, unknown]) => [
      key,
      Buffer.isBuffer(value) ? value.toString('base64') : value,
    ]),
  )
}
