/**
 * What unshare of util-linux 2.38 says on stderr, before it exits with 1, when its child was killed: it cannot give
 * itself the default action of SIGKILL. It is no word of the container's.
 */
const farewell = Buffer.from('unshare: sigprocmask unblock failed: Invalid argument\n')

/** Takes unshare's last line out of a container's stderr, in whatever pieces it comes. */
export interface KilledFarewell {
  /** The chunk and what was held back before, but for an end that may become the line. */
  without(chunk: Buffer): Buffer
  /** What was held back and did not become the line; asked at the end of the stream. */
  rest(): Buffer
  wasSaid(): boolean
}

export function killedFarewell(): KilledFarewell {
  let held = Buffer.alloc(0)
  return {
    without: (chunk) => {
      const all = Buffer.concat([held, chunk])
      const length = overlap(all)
      held = all.subarray(all.length - length)
      return all.subarray(0, all.length - length)
    },
    rest: () => (held.equals(farewell) ? Buffer.alloc(0) : held),
    wasSaid: () => held.equals(farewell),
  }
}

/** Length of the longest end of the text that is a beginning of the line. */
function overlap(text: Buffer): number {
  for (let length = Math.min(text.length, farewell.length); length > 0; length -= 1)
    if (text.subarray(text.length - length).equals(farewell.subarray(0, length))) return length
  return 0
}
