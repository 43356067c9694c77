import type { Scenario } from '../../harness/api.ts'
import { leftovers } from './leftovers.ts'
import { nodes } from './nodes.ts'
import { ports } from './ports.ts'
import { sampleNginx } from './sample-nginx.ts'
import { service } from './service.ts'

/** The EdgeMesh tutorial, step by step, on any cluster and any target. */
export const walkthrough: Scenario = {
  id: 'walkthrough',
  title: 'Edge connection with EdgeMesh: the tutorial',
  source: {
    title: 'KubeEdge documentation, Edge connection with EdgeMesh',
    url: 'https://kubeedge.io/docs/advanced/edgemesh',
  },
  steps: [leftovers, ...nodes, ...sampleNginx, ...service, ...ports],
}
