import type { ScenarioContext, Step, StepJudgement } from '../../harness/api.ts'
import { tableText } from '../kubectl-text.ts'
import { namespaceOf, readManifests } from '../manifests.ts'
import { pinned, readyPod } from '../pods.ts'
import { describe, edgeNodes, fact, get, onNode } from './facts.ts'

export const welcome = 'Welcome to nginx!'

/** "Deploy a sample pod from Cloud Side", "Check the pod is up", "Check if it works". */
export const sampleNginx: readonly Step[] = [
  {
    id: 'apply-deployment',
    title: 'The sample nginx is applied, pinned to the second edge node',
    command: 'kubectl apply -f scenarios/manifests/nginx-deployment.yaml',
    run: applyDeployment,
  },
  {
    id: 'pod-running',
    title: 'The pod runs on the second edge node',
    command: 'kubectl get pods -o wide',
    run: podRunning,
  },
  {
    id: 'pod-answers',
    title: 'nginx answers at the address of its pod',
    command: 'curl <pod IP>',
    run: podAnswers,
  },
]

async function applyDeployment(context: ScenarioContext): Promise<StepJudgement> {
  const [, b] = edgeNodes(context)
  const manifests = pinned(await readManifests(context, 'nginx-deployment.yaml'), b.name)
  context.keep(await context.cluster.apply(manifests, context))
  return {
    kind: 'passed',
    expected: 'deployment.apps/nginx-deployment created',
    seen: `deployment.apps/nginx-deployment created, nodeSelector kubernetes.io/hostname=${b.name}`,
  }
}

async function podRunning(context: ScenarioContext): Promise<StepJudgement> {
  const [, b] = edgeNodes(context)
  const { kube } = context.cluster
  const pods = await kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, context)
  const query = {
    namespace: namespaceOf(context),
    labelSelector: 'app=nginx',
    signal: context.signal,
  }
  const pod = await readyPod(context, 'nginx', b.name)
  if (pod !== undefined) context.facts.set('pod-ip', pod.ip)
  return {
    kind: pod !== undefined ? 'passed' : 'failed',
    expected: `1/1 Running on ${b.name}`,
    seen: tableText(await kube.table(pods, query), { wide: true }),
  }
}

async function podAnswers(context: ScenarioContext): Promise<StepJudgement> {
  const [a, b] = edgeNodes(context)
  const url = `http://${fact(context, 'pod-ip')}/`
  const command = `curl ${fact(context, 'pod-ip')}`
  const expected = `HTTP 200 and nginx's welcome page on ${a.name} and on ${b.name}`
  const near = await get(context, onNode(context, b.name), url)
  const far = await get(context, onNode(context, a.name), url)
  if (near.kind !== 'http' || far.kind !== 'http') {
    return {
      kind: 'failed',
      command,
      expected,
      seen: `${b.name}: ${describe(near)}\n${a.name}: ${describe(far)}`,
    }
  }
  context.facts.set('page-sha256', near.bodySha256)
  const good =
    near.status === 200 && near.body.includes(welcome) && far.bodySha256 === near.bodySha256
  return { kind: good ? 'passed' : 'failed', command, expected, seen: near.body }
}
