import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { definitions, fields } from './resources/index.ts'
import { startTestServer } from './testing/harness.ts'

/** The real kubectl against the real kinds; skipped where there is none. */

interface Output {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

type Kubectl = (...args: readonly string[]) => Promise<Output>

const run = promisify(execFile)
const hasKubectl = await run('kubectl', ['version', '--client']).then(
  () => true,
  () => false,
)
const options = hasKubectl ? {} : { skip: 'no kubectl here' }

interface Session {
  readonly kubectl: Kubectl
  readonly directory: string
  readonly environment: NodeJS.ProcessEnv
  /** Writes a manifest and returns its path. */
  readonly file: (name: string, text: string) => Promise<string>
}

async function start(test: Test): Promise<Session> {
  const server = await startTestServer({ definitions, schema: fields })
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-kubectl-'))
  test.teardown(async () => {
    await server[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } })
  const environment = { ...process.env, KUBECONFIG: server.kubeconfig, HOME: directory }
  return {
    directory,
    environment,
    async file(name, text) {
      const path = join(directory, name)
      await writeFile(path, text)
      return path
    },
    kubectl: (...args) =>
      new Promise((resolve) => {
        execFile('kubectl', [...args], { env: environment }, (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
          resolve({ code, stdout, stderr })
        })
      }),
  }
}

const deployment = (image: string, replicas = 1) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: nginx-deploy, labels: {app: nginx}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      containers:
      - {name: nginx, image: "${image}", ports: [{containerPort: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: nginx-svc}
spec:
  selector: {app: nginx}
  ports: [{name: http-0, port: 12345, protocol: TCP, targetPort: 80}]
`

await t.test('apply creates, leaves alone and configures', options, async (t) => {
  const { kubectl, file } = await start(t)
  const path = await file('nginx.yaml', deployment('nginx:1.25'))
  t.equal(
    (await kubectl('apply', '-f', path)).stdout,
    'deployment.apps/nginx-deploy created\nservice/nginx-svc created\n',
  )
  t.equal(
    (await kubectl('apply', '-f', path)).stdout,
    'deployment.apps/nginx-deploy unchanged\nservice/nginx-svc unchanged\n',
  )
  const next = await file('nginx.yaml', deployment('nginx:1.26'))
  t.match(
    (await kubectl('apply', '-f', next)).stdout,
    /^deployment\.apps\/nginx-deploy configured$/m,
  )
  const image = '{.spec.template.spec.containers[0].image}'
  t.equal(
    (await kubectl('get', 'deploy', 'nginx-deploy', '-o', `jsonpath=${image}`)).stdout,
    'nginx:1.26',
  )
  t.match(await kubectl('delete', '-f', next), {
    code: 0,
    stdout: /deployment\.apps "nginx-deploy" deleted/,
  })
})

await t.test('tables have the columns of a real cluster', options, async (t) => {
  const { kubectl, file } = await start(t)
  await kubectl('apply', '-f', await file('nginx.yaml', deployment('nginx')))
  const table = async (...args: readonly string[]) => {
    const { stdout } = await kubectl('get', ...args)
    return stdout.split('\n').map((line) => line.trim().split(/\s{2,}/))
  }
  t.same((await table('deploy'))[0], ['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE'])
  const [head, row] = await table('service', 'nginx-svc', '-o', 'wide')
  t.same(head, ['NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE', 'SELECTOR'])
  t.match(row, ['nginx-svc', 'ClusterIP', /^10\.96\.\d+\.\d+$/, '<none>', '12345/TCP'])
  t.same((await kubectl('get', 'deploy', '-o', 'name')).stdout, 'deployment.apps/nginx-deploy\n')
})

await t.test(
  'server-side apply is idempotent, conflicts, and can be forced',
  options,
  async (t) => {
    const { kubectl, file } = await start(t)
    const path = await file('nginx.yaml', deployment('nginx', 1))
    const apply = ['apply', '--server-side', '-f', path]
    t.match((await kubectl(...apply)).stdout, /nginx-deploy serverside-applied/)
    const version = ['get', 'deploy', 'nginx-deploy', '-o', 'jsonpath={.metadata.resourceVersion}']
    const before = (await kubectl(...version)).stdout
    t.equal((await kubectl(...apply)).code, 0)
    t.equal((await kubectl(...version)).stdout, before)
    await kubectl('scale', 'deploy', 'nginx-deploy', '--replicas=3')
    const conflict = await kubectl(...apply)
    t.equal(conflict.code, 1)
    t.match(
      conflict.stderr,
      /Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps\/v1 at \S+: \.spec\.replicas/,
    )
    t.equal((await kubectl(...apply, '--force-conflicts')).code, 0)
  },
)

await t.test('client-side apply can be taken over by server-side apply', options, async (t) => {
  const { kubectl, file } = await start(t)
  const path = await file('nginx.yaml', deployment('nginx:1'))
  await kubectl('apply', '-f', path)
  const next = await file('nginx.yaml', deployment('nginx:2'))
  t.match(await kubectl('apply', '--server-side', '-f', next), { code: 0, stderr: '' })
})

await t.test('what people type around it works', options, async (t) => {
  const { kubectl, file } = await start(t)
  await kubectl('apply', '-f', await file('nginx.yaml', deployment('nginx')))
  const steps: readonly (readonly [string, string | RegExp])[] = [
    ['create namespace shop', 'namespace/shop created\n'],
    ['create configmap settings --from-literal=a=1', 'configmap/settings created\n'],
    ['label configmap settings tier=front', 'configmap/settings labeled\n'],
    ['get configmap -l tier=front -o name', 'configmap/settings\n'],
    ['annotate configmap settings note=x', 'configmap/settings annotated\n'],
    ['label configmap settings tier-', 'configmap/settings unlabeled\n'],
    ['patch configmap settings --type merge -p {"data":{"b":"2"}}', 'configmap/settings patched\n'],
    [
      'patch configmap settings --type json -p [{"op":"remove","path":"/data/a"}]',
      'configmap/settings patched\n',
    ],
    ['get configmap settings -o jsonpath={.data}', '{"b":"2"}'],
    ['get configmap settings -o go-template={{.data.b}}', '2'],
    ['scale deployment nginx-deploy --replicas=2', 'deployment.apps/nginx-deploy scaled\n'],
    ['set image deployment/nginx-deploy nginx=nginx:9', /image updated/],
    ['rollout restart deployment/nginx-deploy', 'deployment.apps/nginx-deploy restarted\n'],
    ['get deploy nginx-deploy -o yaml', /image: nginx:9/],
    ['describe service nginx-svc', /Port: +http-0 +12345\/TCP/],
    ['create secret generic key --from-literal=k=v', 'secret/key created\n'],
    ['get secret key -o jsonpath={.data.k}', 'dg=='],
    ['create serviceaccount robot', 'serviceaccount/robot created\n'],
    ['create token robot', /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/],
    ['create deployment made --image=nginx', 'deployment.apps/made created\n'],
    ['expose deployment made --port=80', 'service/made exposed\n'],
    ['auth can-i create pods', 'yes\n'],
    ['auth whoami', /meshmark-admin/],
    ['api-resources --api-group=apps', /^deployments +deploy +apps\/v1 +true +Deployment$/m],
    ['api-versions', /^discovery\.k8s\.io\/v1$/m],
    ['version', /Server Version: v1\.34\.0/],
    ['get --raw /readyz', 'ok'],
    // kubectl 1.34 adds the namespace
    ['delete configmap settings', /^configmap "settings" deleted( from default namespace)?\n$/],
  ]
  for (const [command, expected] of steps) {
    const { code, stdout, stderr } = await kubectl(...command.split(' '))
    t.equal(code, 0, `${command}${code === 0 ? '' : `: ${stderr}`}`)
    t.match(stdout, expected, command)
  }
})

await t.test('mistakes are told in the words of a real server', options, async (t) => {
  const { kubectl, file } = await start(t)
  const create = async (text: string) => {
    return (await kubectl('create', '-f', await file('bad.yaml', text))).stderr
  }
  t.match(
    await create('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nfoo: 1\n'),
    /ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo"/,
  )
  t.match(
    await create(
      'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: eighty}]}\n',
    ),
    /json: cannot unmarshal string into Go struct field ServicePort\.spec\.ports\.port of type int32/,
  )
  t.match(
    await create(
      'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 0}]}\n',
    ),
    /\* spec\.ports\[0\]\.port: Invalid value: 0: must be between 1 and 65535, inclusive/,
  )
  t.match(
    await create('apiVersion: v2\nkind: Pod\nmetadata: {name: a}\n'),
    /no matches for kind "Pod" in version "v2"/,
  )
  t.match(
    (await kubectl('get', 'pod', 'nope')).stderr,
    'Error from server (NotFound): pods "nope" not found\n',
  )
  const forward = await kubectl('get', '--raw', '/api/v1/namespaces/default/services/x/proxy/')
  t.match(forward.stderr, /provider local does not serve proxy; real clusters do/)
})

await t.test('wait and get -w follow changes', options, async (t) => {
  const { kubectl, environment } = await start(t)
  await kubectl('create', 'configmap', 'a')
  const watching = spawn('kubectl', ['get', 'configmap', '-w', '--no-headers'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => watching.kill())
  const lines = createInterface({ input: watching.stdout })[Symbol.asyncIterator]()
  const next = async () => String((await lines.next()).value)
  t.match(await next(), /^a +0 /)
  await kubectl('patch', 'configmap', 'a', '--type=merge', '-p', '{"data":{"x":"1"}}')
  t.match(await next(), /^a +1 /)
  watching.kill()

  const waited = kubectl('wait', 'configmap/a', '--for=jsonpath={.data.ready}=yes', '--timeout=10s')
  await kubectl('patch', 'configmap', 'a', '--type=merge', '-p', '{"data":{"ready":"yes"}}')
  t.match(await waited, { code: 0, stdout: 'configmap/a condition met\n' })
  const gone = kubectl('wait', 'configmap/a', '--for=delete', '--timeout=10s')
  await kubectl('delete', 'configmap', 'a')
  t.equal((await gone).code, 0)
})

await t.test('custom resources are applied right after their definition', options, async (t) => {
  const { kubectl, file } = await start(t)
  const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {plural: widgets, kind: Widget, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer}}}
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
`
  await kubectl('apply', '-f', await file('crd.yaml', crd))
  const widget = (size: string) => `
apiVersion: example.org/v1
kind: Widget
metadata: {name: w}
spec: {size: ${size}}
`
  t.equal((await kubectl('wait', '--for=condition=Established', 'crd/widgets.example.org')).code, 0)
  const apply = async (size: string) => {
    return await kubectl('apply', '-f', await file('w.yaml', widget(size)))
  }
  t.match((await apply('1')).stdout, 'widget.example.org/w created\n')
  t.match((await apply('2')).stdout, 'widget.example.org/w configured\n')
  t.match((await apply('big')).stderr, /spec\.size in body must be of type integer: "string"/)
  t.equal((await kubectl('get', 'wd')).stdout, 'NAME   SIZE\nw      2\n')
})
