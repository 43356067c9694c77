/** The spec of a pod that runs the backend with these arguments, `--control 7000` among them, and is ready by it. */
export function backendPod(args: string, more: object = {}): object {
  const field = (name: string, fieldPath: string): object => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  })
  return {
    containers: [
      {
        name: 'backend',
        image: 'meshmark/backend',
        args: args.split(' '),
        env: [
          field('POD_NAME', 'metadata.name'),
          field('POD_IP', 'status.podIP'),
          field('NODE_NAME', 'spec.nodeName'),
        ],
        readinessProbe: {
          httpGet: { path: '/readyz', port: 7000 },
          periodSeconds: 1,
          failureThreshold: 1,
        },
      },
    ],
    ...more,
  }
}
