/** What an API server is known by. */
export interface ServerNamesInit {
  readonly serviceCidr: string
  readonly clusterDomain: string
  /** The address of the node it runs on. */
  readonly masterAddress?: string
}

/** What the certificate is good for. */
export function serverNames(config: ServerNamesInit): readonly string[] {
  return [
    'localhost',
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${config.clusterDomain}`,
    '127.0.0.1',
    firstServiceAddress(config.serviceCidr),
    ...(config.masterAddress === undefined ? [] : [config.masterAddress]),
  ]
}

/** The `kubernetes` Service has the first address of the range. */
function firstServiceAddress(cidr: string): string {
  const [network = ''] = cidr.split('/')
  const [a, b, c, d] = network.split('.').map(Number)
  return [a, b, c, (d ?? 0) + 1].join('.')
}
