import type { Mutant } from '../../../model/mutant.ts'

const admin = 'admin/server.js'
const adminListens = 'server.listen(init.port, init.address, '

/** Faults of what a node shows and writes down. */
export const securityMutants: readonly Mutant[] = [
  {
    id: 'sec-open-resolver',
    title: 'the name server answers everybody, at every address of the node',
    changes: [
      {
        file: 'dns/udp-server.js',
        find: 'socket.bind({ address: init.address, port: init.port }',
        replace: 'socket.bind({ port: init.port }',
      },
      {
        file: 'dns/clients.js',
        find: 'allows(address) {',
        replace: 'allows(address) { return true;',
      },
    ],
    kills: ['SEC-EXP-001'],
  },
  {
    id: 'sec-open-metrics',
    title: 'metrics are given at every address of the node',
    changes: [{ file: admin, find: adminListens, replace: "server.listen(init.port, '0.0.0.0', " }],
    kills: ['SEC-EXP-005'],
  },
  {
    id: 'sec-socks',
    title: 'a SOCKS5 proxy listens, and nobody asked for it',
    changes: [
      {
        file: admin,
        find: adminListens,
        replace: `void import('node:net').then((net) => net.createServer((socket) => socket.once('data', () => socket.end(Buffer.from([5, 0])))).listen(1080)); ${adminListens}`,
      },
    ],
    kills: ['SEC-ORL-004'],
  },
  {
    id: 'sec-logs-requests',
    title: 'heads of requests are logged',
    changes: [
      {
        file: 'proxy/l7/downstream.js',
        find: 'this.#readKey(bytes);',
        replace: "console.log(bytes.toString('latin1')); this.#readKey(bytes);",
      },
    ],
    kills: ['SEC-LOG-001'],
  },
  {
    id: 'sec-logs-token',
    title: 'the token of the agent is logged',
    changes: [
      {
        file: 'kube/api.js',
        find: 'authorization: `Bearer ${token}`',
        replace: 'authorization: (console.log(`Bearer ${token}`), `Bearer ${token}`)',
      },
    ],
    kills: ['SEC-LOG-002'],
  },
  {
    id: 'sec-proxy-port-open',
    title: "the LAN reaches the HTTP proxy's own port",
    changes: [
      {
        file: 'proxy/netfilter/base.js',
        find: 'ct state new reject with tcp reset comment',
        replace: 'ct state new accept comment',
      },
    ],
    kills: ['SEC-EXP-003'],
  },
  {
    id: 'sec-trusts-any-api',
    title: "the certificate of the API's server is not verified",
    changes: [
      {
        file: 'kube/api.js',
        find: 'rejectUnauthorized: !access.skipVerify',
        replace: 'rejectUnauthorized: false',
      },
    ],
    kills: ['SEC-PRV-003'],
  },
  {
    id: 'sec-slow-by-crowd',
    title: 'the HTTP proxy looks at all of its open connections for each new one',
    changes: [
      {
        file: 'proxy/l7/http-proxy.js',
        find: '(socket) => this.serve(socket,',
        replace:
          '(socket) => this.#connections.forEach(() => JSON.stringify(process.memoryUsage.name.repeat(400))) ?? this.serve(socket,',
      },
    ],
    kills: ['SEC-DOS-001'],
  },
  {
    id: 'sec-keeps-queries',
    title: 'the name server keeps every query',
    changes: [
      {
        file: 'dns/udp-server.js',
        find: 'responder.respond(message, false)',
        replace:
          'responder.respond((globalThis.kept ??= []).push(Buffer.alloc(1024, 1)) > 0 && message, false)',
      },
    ],
    kills: ['SEC-DOS-003'],
  },
]
