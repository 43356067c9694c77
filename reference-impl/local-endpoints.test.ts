import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { PortEndpoint, ServicePortView, ServiceView, Snapshot } from './kube/snapshot.ts'
import { LocalEndpoints } from './local-endpoints.ts'
import { jsonLog } from './log.ts'

const silent = jsonLog('error')
const timing = { everyMs: 5, connectMs: 500, againMs: 5 }

const endpoint = (port: number, more: Partial<PortEndpoint> = {}): PortEndpoint => ({
  address: '127.0.0.1',
  port,
  ready: true,
  serving: true,
  terminating: false,
  nodeName: 'here',
  ...more,
})

const elsewhere = endpoint(9, { address: '192.0.2.1', nodeName: 'there' })

function snapshotOf(
  endpoints: readonly PortEndpoint[],
  protocol: ServicePortView['protocol'] = 'TCP',
): Snapshot {
  const port = { name: '', protocol, port: 80, endpoints }
  return {
    version: 1,
    services: new Map([['a/web', { ports: [port] } as unknown as ServiceView]]),
    namespaces: new Set(['a']),
    node: { name: 'here', addresses: [], podCidrs: [] },
  }
}

function portsIn(snapshot: Snapshot): readonly number[] {
  const [port] = snapshot.services.get('a/web')?.ports ?? []
  return port?.endpoints.map((one) => one.port) ?? []
}

async function listening(port = 0): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

/** What is in force as the traffic path is told, and a promise of the next that is told. */
function following(t: Test, isOffline: () => boolean) {
  let heard: ((snapshot: Snapshot) => void) | undefined
  const local = new LocalEndpoints({
    isOffline,
    log: silent,
    timing,
    onChange: (snapshot) => heard?.(snapshot),
  })
  local.start()
  // why: its own timers keep no process alive
  const alive = setInterval(() => undefined, 1_000)
  t.teardown(() => clearInterval(alive))
  t.teardown(() => local.stop())
  const next = (): Promise<Snapshot> =>
    new Promise((resolve) => {
      heard = resolve
    })
  return { local, next }
}

t.test('one that ends while the API is away is left out, until it is back', async (t) => {
  let isOffline = false
  const server = await listening()
  const port = portOf(server)
  const { local, next } = following(t, () => isOffline)
  t.same(portsIn(local.follow(snapshotOf([endpoint(port), elsewhere]))), [port, 9])
  isOffline = true
  server.close()
  t.same(portsIn(await next()), [9])
  t.same(portsIn(local.follow(snapshotOf([endpoint(port), elsewhere]))), [9], 'a later snapshot')
  const again = await listening(port)
  t.teardown(() => again.close())
  t.same(portsIn(await next()), [port, 9])
})

t.test('what the API says counts as soon as it is heard again', async (t) => {
  let isOffline = true
  const server = await listening()
  const port = portOf(server)
  server.close()
  const { local, next } = following(t, () => isOffline)
  const snapshot = snapshotOf([endpoint(port), elsewhere])
  const left = next()
  local.follow(snapshot)
  t.same(portsIn(await left), [9])
  isOffline = false
  t.same(portsIn(await next()), [port, 9])
})

t.test('nobody is tried who has nobody to stand in, is elsewhere, or speaks UDP', async (t) => {
  const server = await listening()
  let connections = 0
  server.on('connection', () => (connections += 1))
  t.teardown(() => server.close())
  const port = portOf(server)
  for (const quiet of [
    snapshotOf([endpoint(port)]),
    snapshotOf([endpoint(port, { nodeName: 'there' }), elsewhere]),
    snapshotOf([endpoint(port), elsewhere], 'UDP'),
  ]) {
    let looks = 0
    const { local } = following(t, () => (looks += 1) > 0)
    local.follow(quiet)
    while (looks < 5) await delay(5)
    await local.stop()
  }
  t.equal(connections, 0)
  const { local } = following(t, () => true)
  local.follow(snapshotOf([endpoint(port), elsewhere]))
  await once(server, 'connection')
  t.pass('the control: with one to stand in it is tried')
})

t.test('when all are dead they stay', async (t) => {
  const [one, two] = [await listening(), await listening()]
  const [a, b] = [portOf(one), portOf(two)]
  const { local, next } = following(t, () => true)
  one.close()
  const left = next()
  local.follow(snapshotOf([endpoint(a), endpoint(b)]))
  t.same(portsIn(await left), [b])
  two.close()
  t.same(portsIn(await next()).length, 2)
})
