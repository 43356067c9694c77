import { notAcceptable } from '../api-errors.ts'

/** One clause of an Accept header. */
export interface MediaType {
  /** `application/json` */
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
  readonly quality: number
}

/** How an answer is wanted. */
export interface OutputFormat {
  readonly encoding: 'json' | 'yaml'
  readonly view: 'object' | 'table' | 'partial-object' | 'partial-list'
  readonly isPretty: boolean
  /** `v1` or `v1beta1` of meta.k8s.io, for views other than `object`. */
  readonly metaVersion: string
}

/** The clauses of an Accept header, best first. */
export function parseAccept(header: string): readonly MediaType[] {
  return header
    .split(',')
    .map((clause) => parseMediaType(clause))
    .filter((clause) => clause.type !== '' && clause.quality > 0)
    .map((clause, index) => ({ clause, index }))
    .sort((a, b) => b.clause.quality - a.clause.quality || a.index - b.index)
    .map(({ clause }) => clause)
}

/** Parses `application/json; charset=utf-8; q=0.9`. */
export function parseMediaType(text: string): MediaType {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim())
  const parameters = new Map(
    rest.map((part): [string, string] => {
      const at = part.indexOf('=')
      return at === -1
        ? [part.toLowerCase(), '']
        : [part.slice(0, at).toLowerCase(), part.slice(at + 1).replace(/^"|"$/g, '')]
    }),
  )
  const quality = Number(parameters.get('q') ?? '1')
  return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 1 : quality }
}

const views: ReadonlyMap<string, OutputFormat['view']> = new Map([
  ['Table', 'table'],
  ['PartialObjectMetadata', 'partial-object'],
  ['PartialObjectMetadataList', 'partial-list'],
])

/**
 * Chooses how to answer.
 * @param allowsViews - whether the answer can be shown as a Table or as metadata only
 * @throws ApiError 406 when nothing that is accepted can be made
 */
export function negotiate(
  accept: string | undefined,
  options: { readonly allowsViews: boolean; readonly isPretty: boolean },
): OutputFormat {
  const plain = { view: 'object', metaVersion: 'v1', isPretty: options.isPretty } as const
  if (accept === undefined || accept === '') return { ...plain, encoding: 'json' }
  for (const { type, parameters } of parseAccept(accept)) {
    const encoding = encodingOf(type)
    if (encoding === undefined) continue
    const isPretty = options.isPretty || parameters.get('pretty') === '1'
    const wanted = parameters.get('as')
    if (wanted === undefined) return { ...plain, encoding, isPretty }
    const view = views.get(wanted)
    const metaVersion = parameters.get('v') ?? 'v1'
    const isKnown = parameters.get('g') === 'meta.k8s.io' && /^v1(beta1)?$/.test(metaVersion)
    if (options.allowsViews && view !== undefined && isKnown) {
      return { encoding, view, isPretty, metaVersion }
    }
  }
  throw notAcceptable(['application/json', 'application/yaml'])
}

function encodingOf(type: string): 'json' | 'yaml' | undefined {
  if (type === '*/*' || type === 'application/*' || type === 'application/json') return 'json'
  return type === 'application/yaml' ? 'yaml' : undefined
}
