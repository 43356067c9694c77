import type { Step } from '../../harness/api.ts'
import { tableText } from '../kubectl-text.ts'
import { edgeNodes } from './facts.ts'

/** "Assume we have two edge nodes in ready state, we call them edge node a and b." */
export const nodes: readonly Step[] = [
  {
    id: 'nodes-ready',
    title: 'Two edge nodes are Ready',
    command: 'kubectl get nodes',
    run: async (context) => {
      const [a, b] = edgeNodes(context)
      const type = await context.cluster.kube.typeOf({ apiVersion: 'v1', kind: 'Node' }, context)
      const table = await context.cluster.kube.table(type, context)
      const name = table.columns.findIndex((column) => column.name === 'Name')
      const status = table.columns.findIndex((column) => column.name === 'Status')
      const ready = new Set(
        table.rows.filter((row) => row[status] === 'Ready').map((row) => row[name]),
      )
      return {
        kind: ready.has(a.name) && ready.has(b.name) ? 'passed' : 'failed',
        expected: `${a.name} and ${b.name} with STATUS Ready`,
        seen: tableText(table),
      }
    },
  },
]
