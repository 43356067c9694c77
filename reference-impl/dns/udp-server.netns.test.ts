import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { sandboxed } from '../proxy/testing/sandbox.ts'
import { DnsCounters } from './counters.ts'
import { serveUdp } from './udp-server.ts'

/** The first client sends from this port, which the rule below makes 0 on the way. */
const markedPort = 40_000

if (await sandboxed(t, import.meta.url, ['unshare', 'ip', 'nft'])) {
  t.test('a datagram from port 0, which nobody can answer, ends nothing', async (t) => {
    const counters = new DnsCounters()
    const server = await serveUdp({
      address: '127.0.0.1',
      port: 0,
      allows: () => true,
      counters,
      responder: { respond: (message) => message },
    })
    const rule = `udp sport ${markedPort} udp sport set 0`
    const hook = 'type filter hook output priority raw;'
    execFileSync('nft', [`table ip lab { chain o { ${hook} ${rule}; }; }`])
    const [marked, other] = [createSocket('udp4'), createSocket('udp4')]
    t.teardown(async () => {
      marked.close()
      other.close()
      await server.close()
    })
    marked.bind(markedPort)
    await once(marked, 'listening')
    marked.send('from port 0', server.port, '127.0.0.1')
    other.send('a question', server.port, '127.0.0.1')
    const [answer] = (await once(other, 'message', {
      signal: AbortSignal.timeout(10_000),
    })) as [Buffer]
    t.equal(answer.toString(), 'a question', 'the next one is answered')
    t.equal(counters.dropped, 1, 'and it is counted')
  })
}
