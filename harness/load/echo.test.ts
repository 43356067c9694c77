import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { WebSocketServer } from 'ws'
import type { LoadJob, LoadProfile, LoadResult, LoadTarget } from '../model/load.ts'
import { parseJob } from './job.ts'
import { runLoad } from './run.ts'

/* WebSocket messages and UDP flows against real servers. */

const open: LoadProfile = { kind: 'open-loop', rateRps: 200, maxInFlight: 100 }
const closed: LoadProfile = { kind: 'closed-loop', concurrency: 4 }

function job(target: LoadTarget, profile: LoadProfile, durationMs = 500): LoadJob {
  return { target, profile, warmupMs: 50, durationMs, seed: 5 }
}

function run(target: LoadTarget, profile: LoadProfile): Promise<LoadResult> {
  return runLoad(job(target, profile), { signal: new AbortController().signal })
}

async function echoServer(
  answer: (data: Buffer) => Buffer,
): Promise<{ readonly port: number; readonly close: () => void }> {
  const http = createServer((_, response) => {
    response.statusCode = 404
    response.end()
  })
  const server = new WebSocketServer({ noServer: true })
  http.on('upgrade', (request, socket, head) => {
    if (request.url !== '/') {
      socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
      return
    }
    server.handleUpgrade(request, socket, head, (client) => {
      client.on('message', (data: Buffer, binary) => {
        client.send(answer(data), { binary })
      })
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    port: (http.address() as AddressInfo).port,
    close: () => {
      for (const client of server.clients) client.terminate()
      http.close()
    },
  }
}

function webSocket(port: number, messageBytes: number, path = '/'): LoadTarget {
  return {
    kind: 'websocket',
    host: '127.0.0.1',
    port,
    path,
    authority: 'x',
    connections: 4,
    messageBytes,
  }
}

t.test('messages of every length of frame come back and are counted', async (t) => {
  const server = await echoServer((data) => data)
  for (const bytes of [5, 1_024, 70_000])
    for (const profile of [open, closed]) {
      const { completed, failures, response } = await run(webSocket(server.port, bytes), profile)
      t.ok(completed > 10, `${bytes} bytes, ${profile.kind}: ${completed} echoes`)
      t.same(failures, {})
      t.equal(response.count, completed)
    }
  server.close()
})

t.test(
  'a message that comes back changed is no echo; a WebSocket that is refused is an error',
  async (t) => {
    const server = await echoServer((data) =>
      Buffer.from(data.toString('latin1').toUpperCase(), 'latin1'),
    )
    const { completed, failures, invalid } = await run(webSocket(server.port, 64), closed)
    t.equal(completed, 0)
    t.ok((failures['malformed'] ?? 0) > 0)
    t.ok(invalid.length > 0)
    await t.rejects(run(webSocket(server.port, 64, '/other'), closed), {
      message: /a WebSocket could not be opened: got HTTP\/1\.1 404 Not Found/,
    })
    server.close()
  },
)

t.test('a new UDP flow for every request; another pod that answers is a stranger', async (t) => {
  const ports = new Set<number>()
  const server = createSocket('udp4', (_, from) => {
    ports.add(from.port)
    server.send('pod=a ip=127.0.0.1\n', from.port, from.address)
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  const flows = (pod: string): LoadTarget => ({
    kind: 'udp-flow',
    host: '127.0.0.1',
    port,
    expect: { pod },
  })
  for (const profile of [open, closed]) {
    ports.clear()
    const { completed, failures } = await run(flows('a'), profile)
    t.ok(completed > 10, `${profile.kind}: ${completed} flows`)
    t.ok(ports.size > completed / 2, `from ${ports.size} ports`)
    t.same(failures, {})
  }
  t.match((await run(flows('b'), closed)).invalid, [/^foreign answer: pod a$/])
  server.close()
})

t.test('a job that makes no sense is refused with the value and the rule', (t) => {
  t.throws(() => parseJob(job({ ...webSocket(1, 0) }, open)), {
    message: /target\.messageBytes: got 0, want a whole number from 1 to 1048576/,
  })
  t.throws(
    () =>
      parseJob(job({ kind: 'udp-flow', host: '127.0.0.1', port: 1, expect: { pod: '' } }, open)),
    {
      message: /target\.expect\.pod: got "", want the name of a pod/,
    },
  )
  t.end()
})
