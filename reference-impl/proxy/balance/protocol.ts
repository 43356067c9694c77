/** Whether a Service port is handled as HTTP or as opaque bytes. */

const httpProtocols = new Set(['http', 'http1', 'http/1.1', 'kubernetes.io/ws'])

/**
 * appProtocol decides when it is there (KEP-3726), then the port's name (`http`, `http-…`: Istio, EdgeMesh). Anything
 * else is opaque: https, h2c and gRPC pass unchanged too.
 */
export function isHttp(port: {
  readonly protocol: string
  readonly name?: string | undefined
  readonly appProtocol?: string | undefined
}): boolean {
  if (port.protocol.toLowerCase() !== 'tcp') return false
  if (port.appProtocol !== undefined && port.appProtocol !== '') {
    return httpProtocols.has(port.appProtocol.toLowerCase())
  }
  const { name = '' } = port
  return name === 'http' || name.startsWith('http-')
}
