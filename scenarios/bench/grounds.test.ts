import t from 'tap'
import type { Ground } from '../../harness/api.ts'
import { groundsOf, throughEither } from './grounds.ts'
import { l4Payload4m, l7Payload1k } from './payload-latency.ts'

const payloads = [l4Payload4m, l7Payload1k]
const { signal } = new AbortController()

t.test('files that one port does not carry are there through the other', async (t) => {
  const grounds = groundsOf(payloads, signal)
  const files = await throughEither(
    grounds,
    () => Promise.resolve('files'),
    (_, ground) =>
      ground === 'l7-payloads' ? Promise.reject(new Error('12345 is refused')) : Promise.resolve(),
  )
  t.equal(files, 'files')
  t.same(grounds.missing, { 'l7-payloads': '12345 is refused' })
  const lack = ({ uses = [] }: { readonly uses?: readonly Ground[] }): boolean =>
    uses.some((ground) => ground in grounds.missing)
  t.same(payloads.map(lack), [false, true], 'so the L4 question is asked')
})

t.test('files that could not be set up are missing from both, and were tried once', async (t) => {
  const grounds = groundsOf(payloads, signal)
  let asked = 0
  const setUp = (): Promise<string> => {
    asked += 1
    return Promise.reject(new Error('nginx-payload is not ready'))
  }
  const files = await throughEither(grounds, setUp, () => Promise.resolve())
  t.equal(files, undefined)
  t.equal(asked, 1)
  const reason = 'nginx-payload is not ready'
  t.same(grounds.missing, { 'l7-payloads': reason, 'l4-payloads': reason })
})

t.test('nothing is set up that nobody asks for; an abort is no reason', async (t) => {
  const never = (): Promise<void> => Promise.reject(new Error('not asked'))
  const grounds = groundsOf([{ uses: ['l4'] }], signal)
  await throughEither(grounds, never, never)
  t.same(grounds.missing, {})
  const stopped = AbortSignal.abort(new Error('stopped'))
  const { tried } = groundsOf([], stopped)
  await t.rejects(
    tried('l4', () => Promise.reject(new Error('broken'))),
    { message: 'stopped' },
  )
})
