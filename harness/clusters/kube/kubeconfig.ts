import { stringify } from 'yaml'

export interface KubeconfigInit {
  readonly server: string
  /** PEM. */
  readonly ca: string
  readonly token: string
  /** Name of the cluster, the context and, with `-admin`, the user. */
  readonly name: string
}

/** A kubeconfig with one cluster, one user and one context, everything inline. */
export function kubeconfig({ server, ca, token, name }: KubeconfigInit): string {
  const user = `${name}-admin`
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name,
          cluster: {
            server,
            'certificate-authority-data': Buffer.from(ca).toString('base64'),
          },
        },
      ],
      users: [{ name: user, user: { token } }],
      contexts: [{ name, context: { cluster: name, user, namespace: 'default' } }],
      'current-context': name,
    },
    { lineWidth: 0 },
  )
}
