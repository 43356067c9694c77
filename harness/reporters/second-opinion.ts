import type { SecondOpinion } from '../model/second-opinion.ts'

/** What another generator saw, beside our own number. */
export function opinionText(opinion: SecondOpinion): readonly [title: string, seen: string] {
  const { tool, asked, nodes, rateRps, p50Us, oursP50Us, count, invalid } = opinion
  const from = nodes === undefined ? '' : ` from ${nodes.length} nodes at once`
  const title = `Second opinion: ${tool}, ${asked}, ${rateRps} requests per second${from}`
  const ours = oursP50Us === undefined ? '' : ` (ours: ${oursP50Us} µs)`
  const seen =
    invalid.length > 0
      ? `invalid: ${invalid.join('; ')}`
      : p50Us === undefined
        ? `${count} requests are too few for a median`
        : `median ${p50Us} µs of ${count} requests${ours}`
  return [title, seen]
}
