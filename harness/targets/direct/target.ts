import type { DeployedTarget, Target } from '../../model/target.ts'

/** No data plane at all: pods reach pods by address, names and ClusterIPs lead nowhere. The floor to compare with. */
export function direct(): Target {
  return {
    id: 'direct',
    identity: {
      organization: 'meshmark',
      project: 'no data plane',
      url: 'https://github.com/meshmark/meshmark',
      version: '1',
      contact: [],
    },
    features: new Set(),
    topology: {},
    deploy: () => Promise.resolve(nothing),
  }
}

const nothing: DeployedTarget = {
  ready: () => Promise.resolve(),
  restart: () => Promise.resolve(),
  usage: () => Promise.resolve({ cpuUs: 0, rssBytes: 0, openFiles: 0 }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}
