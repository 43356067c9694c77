import { createServer } from 'node:net'
import t from 'tap'
import { onSamePort } from './same-port.ts'

const taken = (): Error => Object.assign(new Error('taken'), { code: 'EADDRINUSE' })

t.test('a port that is taken for TCP is given up, and its UDP closed', async (t) => {
  const closed: number[] = []
  let next = 5
  const [udp, tcp] = await onSamePort(
    () => Promise.resolve({ port: (next += 1) }),
    (port) => (port < 8 ? Promise.reject(taken()) : Promise.resolve(`tcp ${port}`)),
    ({ port }) => {
      closed.push(port)
      return Promise.resolve()
    },
  )
  t.same([udp.port, tcp, closed], [8, 'tcp 8', [6, 7]])
})

t.test('a real port that is taken never comes free: an end, and nothing listens', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  let open = 0
  const again = onSamePort(
    () => {
      open += 1
      return Promise.resolve({ port })
    },
    (wanted) =>
      new Promise((resolve, reject) => {
        const second = createServer().once('error', reject)
        second.listen(wanted, '127.0.0.1', () => {
          resolve(second)
        })
      }),
    () => {
      open -= 1
      return Promise.resolve()
    },
  )
  await t.rejects(again, { code: 'EADDRINUSE' })
  t.equal(open, 0)
})

t.test('another error is told at once', async (t) => {
  let tried = 0
  await t.rejects(
    onSamePort(
      () => Promise.resolve({ port: 1 }),
      () => {
        tried += 1
        return Promise.reject(new Error('no such address'))
      },
      () => Promise.resolve(),
    ),
    { message: 'no such address' },
  )
  t.equal(tried, 1)
})
