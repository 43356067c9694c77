/* eslint-disable @typescript-eslint/no-unsafe-member-access -- why: these tests look at whatever JSON the server sent */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import t, { type Test } from 'tap'
import { adminToken, kubeletToken, startTestServer } from '../testing/harness.ts'
import type { TestServer } from '../testing/harness.ts'

const pods = '/api/v1/namespaces/default/pods'

interface Kubelet {
  readonly port: number
  /** What it was asked for, with the token. */
  readonly asked: readonly string[]
}

/** Stands in for a kubelet, which needs namespaces of its own: one log line, and an echo for exec. */
async function kubelet(test: Test): Promise<Kubelet> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`)
    response.writeHead(200).end('one line\n')
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => {
    asked.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`)
    socket.on('message', (data: Buffer) => {
      socket.send(Buffer.concat([Buffer.from([1]), data.subarray(1)]))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => {
    sockets.close()
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, asked }
}

async function start(test: Test, port: number): Promise<TestServer> {
  const server = await startTestServer()
  test.teardown(() => server[Symbol.asyncDispose]())
  const { call } = server
  await call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } })
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  }
  await call('POST', '/api/v1/nodes', { body: { metadata: { name: 'edge-a' }, status } })
  const pod = (name: string, containers: readonly object[], nodeName?: string) => ({
    metadata: { name },
    spec: { containers, ...(nodeName !== undefined && { nodeName }) },
  })
  await call('POST', pods, { body: pod('one', [{ name: 'c' }], 'edge-a') })
  await call('POST', pods, { body: pod('two', [{ name: 'c' }, { name: 'd' }], 'edge-a') })
  await call('POST', pods, { body: pod('waiting', [{ name: 'c' }]) })
  return server
}

await t.test('exec joins the client with the kubelet of the pod', async (t) => {
  const { port, asked } = await kubelet(t)
  const { server } = await start(t, port)
  const url = `wss://127.0.0.1:${server.port}${pods}/one/exec?command=cat&command=-&stdin=true&tty=true`
  const socket = new WebSocket(url, ['v5.channel.k8s.io', 'v4.channel.k8s.io'], {
    ca: server.ca,
    headers: { authorization: `Bearer ${adminToken}` },
  })
  await once(socket, 'open')
  socket.send(Buffer.from('\0hello'))
  const [echo] = (await once(socket, 'message')) as [Buffer]
  t.equal(echo.toString(), '\u0001hello')
  t.same(asked, [`/exec/default/one/c?input=1&tty=1&command=cat&command=- Bearer ${kubeletToken}`])
  socket.terminate()
})

await t.test('what is wrong with an exec is told before it is upgraded', async (t) => {
  const { port } = await kubelet(t)
  const { call } = await start(t, port)
  const upgrade = (path: string, protocol: string, token?: string) =>
    call('GET', `${pods}/${path}`, {
      headers: { connection: 'Upgrade', upgrade: protocol },
      ...(token !== undefined && { token }),
    })
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['nope/exec?command=ls', 404, /^pods "nope" not found$/],
    [
      'two/exec?command=ls',
      400,
      /^a container name must be specified for pod two, choose one of: \[c d\]$/,
    ],
    ['one/exec?command=ls&container=x', 400, /^container x is not valid for pod one$/],
    ['waiting/exec?command=ls', 400, /^pod waiting does not have a host assigned$/],
    ['one/portforward', 501, /^provider local does not serve portforward; real clusters do/],
  ]
  for (const [path, status, message] of cases) {
    const answer = await upgrade(path, 'websocket')
    t.equal(answer.status, status, path)
    t.match(answer.json.message, message, path)
  }
  t.equal((await upgrade('one/exec?command=ls', 'websocket', 'wrong')).status, 401)
  const spdy = await upgrade('one/exec?command=ls', 'SPDY/3.1')
  t.equal(spdy.status, 400)
  t.match(spdy.json.message, /not SPDY\/3\.1: use kubectl 1\.31 or newer/)
})

await t.test('logs come from the kubelet once the container has started', async (t) => {
  const { port, asked } = await kubelet(t)
  const { call } = await start(t, port)
  const before = await call('GET', `${pods}/one/log`)
  t.equal(before.status, 400)
  t.equal(before.json.message, 'container "c" in pod "one" is waiting to start: ContainerCreating')
  const merge = { contentType: 'application/merge-patch+json' }
  await call('PATCH', `${pods}/one/status`, {
    ...merge,
    body: { status: { containerStatuses: [{ name: 'c', state: { running: {} } }] } },
  })
  const log = await call('GET', `${pods}/one/log?tailLines=5&follow=true&pretty=true`)
  t.equal(log.text, 'one line\n')
  t.same(asked, [`/containerLogs/default/one/c?follow=true&tailLines=5 Bearer ${kubeletToken}`])
})
