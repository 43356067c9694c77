import type { KubeObject, ScenarioContext, Step, StepJudgement } from '../../harness/api.ts'
import { eventually } from '../eventually.ts'
import { tableText } from '../kubectl-text.ts'
import { readManifests } from '../manifests.ts'
import { describe, edgeNodes, fact, get, part } from './facts.ts'

/** Pulling the image included: what a first start on a slow edge node takes. */
const podRunningMs = 120_000

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
  const manifests = (await readManifests('nginx-deployment.yaml')).map((manifest) =>
    pinned(manifest, b.name),
  )
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
  const query = { namespace: 'default', labelSelector: 'app=nginx', signal: context.signal }
  const { accepted } = await eventually(
    async () => (await kube.list(pods, query)).items.map(podFacts),
    (found) => found.some((pod) => pod.ready && pod.node === b.name && rememberPod(context, pod)),
    { withinMs: podRunningMs, everyMs: 20, signal: context.signal },
  )
  return {
    kind: accepted ? 'passed' : 'failed',
    expected: `1/1 Running on ${b.name}`,
    seen: tableText(await kube.table(pods, query), { wide: true }),
  }
}

async function podAnswers(context: ScenarioContext): Promise<StepJudgement> {
  const [a, b] = edgeNodes(context)
  const url = `http://${fact(context, 'pod-ip')}/`
  const command = `curl ${fact(context, 'pod-ip')}`
  const expected = `HTTP 200 and nginx's welcome page on ${a.name} and on ${b.name}`
  const near = await get(context, { node: b.name, network: 'host' }, url)
  const far = await get(context, { node: a.name, network: 'host' }, url)
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

interface PodFacts {
  readonly name: string
  readonly ip: string
  readonly node: string
  readonly ready: boolean
}

function podFacts(pod: KubeObject): PodFacts {
  const { nodeName = '' } = part<{ nodeName?: string }>(pod, 'spec')
  const { podIP = '', conditions = [] } = part<{
    podIP?: string
    conditions?: readonly { type: string; status: string }[]
  }>(pod, 'status')
  const ready = conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  return { name: pod.metadata.name, ip: podIP, node: nodeName, ready }
}

function rememberPod(context: ScenarioContext, pod: PodFacts): boolean {
  context.facts.set('pod-ip', pod.ip)
  context.facts.set('pod-name', pod.name)
  return true
}

interface DeploymentSpec {
  readonly template: { readonly spec: Readonly<Record<string, unknown>> }
}

function pinned(manifest: KubeObject, node: string): KubeObject {
  if (manifest.kind !== 'Deployment') return manifest
  const spec = part<DeploymentSpec>(manifest, 'spec')
  const template = {
    ...spec.template,
    spec: { ...spec.template.spec, nodeSelector: { 'kubernetes.io/hostname': node } },
  }
  return { ...manifest, spec: { ...spec, template } }
}
