/** `node serve-http.js <port> <local address> <endpoint address:port>...`: the HTTP proxy alone, for benchmarks. */
import { HttpProxy } from '../l7/http-proxy.ts'

const [, , port = '0', localAddress = '127.0.0.1', ...endpoints] = process.argv
const proxy = new HttpProxy()
await proxy.listen('0.0.0.0', Number(port))
proxy.update([
  {
    localAddress,
    name: 'default/bench:http-0',
    authority: 'bench.default',
    policy: 'round-robin',
    endpoints: endpoints.map((endpoint) => {
      const [address = '', number = '80'] = endpoint.split(':')
      return { address, port: Number(number) }
    }),
  },
])
process.stdout.write('ready\n')
