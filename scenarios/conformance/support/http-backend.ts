import type { CheckContext } from '../../../harness/api.ts'
import { podsOf } from './cluster-facts.ts'
import { control } from './connect.ts'
import type { Answer } from './http1.ts'
import { type Field, parseFields } from './http1-message.ts'

/** A request as it reached a backend (harness/backends). */
export interface Arrived {
  readonly pod: string
  /** The exact bytes up to the empty line. */
  readonly head: string
  /** `GET /path HTTP/1.1` */
  readonly requestLine: string
  readonly fields: readonly Field[]
  readonly bodyBytes: number
  readonly bodySha256: string
  /** The whole request arrived. */
  readonly complete: boolean
  readonly trailers: readonly string[]
  /** Why it is none after RFC 9112. */
  readonly malformed?: string
}

type Told = Omit<Arrived, 'pod' | 'requestLine' | 'fields'>

/** What reached the backends of a namespace and has this text in head or body, in no order. */
export async function arrivals(
  context: CheckContext,
  namespace: string,
  text: string,
  last = 500,
): Promise<readonly Arrived[]> {
  const pods = await podsOf(context, namespace)
  const path = `/seen?only=requests&last=${last}&contains=${encodeURIComponent(text)}`
  const all = await Promise.all(
    pods.map(async ({ name, ip }) => {
      const { requests } = (await control(context, ip, path)) as { requests: readonly Told[] }
      return requests.map((one) => arrived(name, one))
    }),
  )
  return all.flat()
}

/** What a backend tells of the request that it answers, when the answer is of that kind. */
export function echoOf(answer: Answer): Arrived | undefined {
  if (answer.kind !== 'response' || answer.status !== 200) return undefined
  try {
    const told = JSON.parse(answer.body.toString()) as Told & { readonly pod: string }
    return typeof told.head === 'string' ? arrived(told.pod, told) : undefined
  } catch {
    return undefined
  }
}

function arrived(pod: string, told: Told): Arrived {
  const head = Buffer.from(told.head, 'base64').toString('latin1')
  const [requestLine = '', ...lines] = head.replace(/\r\n\r\n$/, '').split('\r\n')
  const fields = parseFields(lines)
  return { ...told, pod, head, requestLine, fields: typeof fields === 'string' ? [] : fields }
}
