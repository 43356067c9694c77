import { lookup } from 'node:dns/promises'

/* Asks getaddrinfo for the probe when the probe's own threads are busy with it. Ends with its parent. */

export interface LookupQuestion {
  readonly id: number
  readonly name: string
  readonly family: 0 | 4 | 6
}

export interface LookupAnswer {
  readonly id: number
  readonly addresses?: readonly string[]
  readonly error?: { readonly code: string; readonly message: string }
}

async function answer({ id, name, family }: LookupQuestion): Promise<LookupAnswer> {
  try {
    const found = await lookup(name, { all: true, family, verbatim: true })
    return { id, addresses: found.map(({ address }) => address) }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    return { id, error: { code, message } }
  }
}

process.on('message', (question: LookupQuestion) => {
  void answer(question).then((found) => process.send?.(found))
})
process.on('disconnect', () => {
  process.exit(0)
})
