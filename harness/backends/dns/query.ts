import packet from 'dns-packet'

/** A query as it came. */
export interface Query {
  readonly id: number
  /** In the case in which it was asked, without a trailing dot. */
  readonly name: string
  /** `TYPE65` for what has no name here. */
  readonly type: string
  readonly recursionDesired: boolean
  readonly edns: { readonly payloadBytes: number; readonly dnssecOk: boolean } | undefined
  readonly question: packet.Question
}

/** Reads a message; says what is wrong when it is no query with one question. */
export function readQuery(message: Buffer): Query | string {
  let decoded: packet.DecodedPacket
  try {
    decoded = packet.decode(message)
  } catch (error) {
    return String(error)
  }
  const [question, ...more] = decoded.questions ?? []
  if (decoded.type !== 'query') return 'it is an answer'
  if (question === undefined || more.length > 0)
    return `it has ${more.length + 1} questions, want 1`
  const opt = (decoded.additionals ?? []).find((one) => one.type === 'OPT')
  return {
    id: decoded.id ?? 0,
    name: question.name,
    type: question.type.replace(/^UNKNOWN_/, 'TYPE'),
    recursionDesired: decoded.flag_rd,
    edns:
      opt?.type === 'OPT' ? { payloadBytes: opt.udpPayloadSize, dnssecOk: opt.flag_do } : undefined,
    question,
  }
}
