/** resolv.conf(5) as text: whom it names, and our own lines in it. */

/** Name servers in their order, each once. */
export function nameservers(text: string): readonly string[] {
  const found = text.split('\n').flatMap((line) => {
    const [keyword, address] = line.trim().split(/\s+/)
    return keyword === 'nameserver' && address !== undefined ? [address] : []
  })
  return [...new Set(found)]
}

/** The lines that are put in front of everything: what follows them stays as it was, byte for byte. */
function block(address: string): string {
  return `${mark}\nnameserver ${address}\n`
}

const mark =
  '# meshmark-reference: the next line is there while the agent of this node runs, see its README'

/** A block at the beginning, also one that an agent with another address left. */
const ours = new RegExp(`^(?:${mark}\\nnameserver [^\\n]*\\n)+`)

export function withServer(text: string, address: string): string {
  return block(address) + withoutServer(text)
}

/** The text as it was before `withServer`. */
export function withoutServer(text: string): string {
  return text.replace(ours, '')
}

export function hasServer(text: string, address: string): boolean {
  return text.startsWith(block(address)) && withServer(text, address) === text
}
