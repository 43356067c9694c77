/** One request that both API servers answer; the next one meets what it left. */
export interface ApiRequest {
  readonly name: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
}

const core = '/api/v1/namespaces/default'
const apps = '/apis/apps/v1/namespaces/default'
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

const merge = 'application/merge-patch+json'
const strategic = 'application/strategic-merge-patch+json'
const jsonPatch = 'application/json-patch+json'
const apply = 'application/apply-patch+yaml'

function configMap(name: string, data: object, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data }
}

function service(name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec }
}

const port = { port: 80 }

function deployment(name: string, spec: object = {}): object {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 80 }] }] },
      },
      ...spec,
    },
  }
}

function pod(name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec }
}

const get = (name: string, path: string, accept?: string): ApiRequest => ({
  name,
  method: 'GET',
  path,
  ...(accept !== undefined && { accept }),
})
const post = (name: string, path: string, body: unknown): ApiRequest => ({
  name,
  method: 'POST',
  path,
  body,
})
const patch = (name: string, path: string, contentType: string, body: unknown): ApiRequest => ({
  name,
  method: 'PATCH',
  path,
  contentType,
  body,
})

const objects: readonly ApiRequest[] = [
  post('create', `${core}/configmaps`, configMap('a', { one: '1' }, { labels: { tier: 'x' } })),
  post('create again', `${core}/configmaps`, configMap('a', {})),
  post('create with a name that is none', `${core}/configmaps`, configMap('A_b', {})),
  post('create without a name', `${core}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap' }),
  post(
    'create in another namespace than the path says',
    `${core}/configmaps`,
    configMap('b', {}, { namespace: 'other' }),
  ),
  post(
    'create in a namespace that is not there',
    '/api/v1/namespaces/nowhere/configmaps',
    configMap('b', {}),
  ),
  post(
    'create another kind than the path says',
    `${core}/configmaps`,
    service('b', { ports: [port] }),
  ),
  post('create with a field of a wrong type', `${core}/configmaps`, configMap('b', { one: 1 })),
  post('create with an unknown field, strictly', `${core}/configmaps?fieldValidation=Strict`, {
    ...configMap('b', {}),
    colour: 'red',
  }),
  post('create as a dry run', `${core}/configmaps?dryRun=All`, configMap('dry', {})),
  post(
    'create with a label that is none',
    `${core}/configmaps`,
    configMap('b', {}, { labels: { 'a b': '-' } }),
  ),
  get('get', `${core}/configmaps/a`),
  get('get what is not there', `${core}/configmaps/nobody`),
  get('get a kind that is not there', `${core}/nothings/a`),
  get('list by label', `${core}/configmaps?labelSelector=tier%3Dx`),
  get('list by a set of labels', `${core}/configmaps?labelSelector=tier+in+(x,y),!gone`),
  get(
    'list by a label selector that does not parse',
    `${core}/configmaps?labelSelector=a%3D%3D%3Db`,
  ),
  get('list by name', `${core}/configmaps?fieldSelector=metadata.name%3Da`),
  get('list by a field that cannot be selected', `${core}/configmaps?fieldSelector=data.one%3D1`),
  get('list with a limit that is none', `${core}/configmaps?limit=x`),
  get('list from a continue token that is none', `${core}/configmaps?continue=garbage`),
  get('list at a version that is none', `${core}/configmaps?resourceVersion=garbage`),
  get('table', `${core}/configmaps/a`, table),
  {
    name: 'replace with an old version',
    method: 'PUT',
    path: `${core}/configmaps/a`,
    body: configMap('a', {}, { resourceVersion: '1' }),
  },
  {
    name: 'replace another name than the path says',
    method: 'PUT',
    path: `${core}/configmaps/a`,
    body: configMap('z', {}),
  },
  {
    name: 'replace what is not there',
    method: 'PUT',
    path: `${core}/configmaps/nobody`,
    body: configMap('nobody', {}),
  },
  patch('merge patch', `${core}/configmaps/a`, merge, { data: { two: '2', one: null } }),
  patch('strategic patch', `${core}/configmaps/a`, strategic, { data: { three: '3' } }),
  patch('JSON patch', `${core}/configmaps/a`, jsonPatch, [
    { op: 'replace', path: '/data/two', value: '22' },
  ]),
  patch('JSON patch whose test fails', `${core}/configmaps/a`, jsonPatch, [
    { op: 'test', path: '/data/two', value: 'no' },
  ]),
  patch('JSON patch of a path that is not there', `${core}/configmaps/a`, jsonPatch, [
    { op: 'remove', path: '/data/none' },
  ]),
  patch('a patch type that is none', `${core}/configmaps/a`, 'text/plain', {}),
  patch('patch what is not there', `${core}/configmaps/nobody`, merge, {}),
  patch(
    'apply',
    `${core}/configmaps/applied?fieldManager=one`,
    apply,
    configMap('applied', { key: 'one' }),
  ),
  patch(
    'apply against another manager',
    `${core}/configmaps/applied?fieldManager=two`,
    apply,
    configMap('applied', { key: 'two' }),
  ),
  patch(
    'apply by force',
    `${core}/configmaps/applied?fieldManager=two&force=true`,
    apply,
    configMap('applied', { key: 'two' }),
  ),
  patch('apply without a manager', `${core}/configmaps/applied`, apply, configMap('applied', {})),
  {
    name: 'delete with a wrong uid',
    method: 'DELETE',
    path: `${core}/configmaps/a`,
    body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'other' } },
  },
  { name: 'delete', method: 'DELETE', path: `${core}/configmaps/a` },
  { name: 'delete again', method: 'DELETE', path: `${core}/configmaps/a` },
]

const services: readonly ApiRequest[] = [
  post(
    'service',
    `${core}/services`,
    service('web', { clusterIP: '10.96.7.7', selector: { app: 'web' }, ports: [port] }),
  ),
  post(
    'service whose address is taken',
    `${core}/services`,
    service('web2', { clusterIP: '10.96.7.7', ports: [port] }),
  ),
  post(
    'service whose address is outside',
    `${core}/services`,
    service('web2', { clusterIP: '10.1.1.1', ports: [port] }),
  ),
  post(
    'service whose address is none',
    `${core}/services`,
    service('web2', { clusterIP: 'x', ports: [port] }),
  ),
  post('service without ports', `${core}/services`, service('web2', {})),
  post(
    'service with two ports without names',
    `${core}/services`,
    service('web2', { ports: [port, { port: 81 }] }),
  ),
  post(
    'service with one port twice',
    `${core}/services`,
    service('web2', {
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 80 },
      ],
    }),
  ),
  post('service with port 0', `${core}/services`, service('web2', { ports: [{ port: 0 }] })),
  post(
    'service with a protocol that is none',
    `${core}/services`,
    service('web2', { ports: [{ port: 80, protocol: 'ICMP' }] }),
  ),
  post(
    'service with a name that begins with a digit',
    `${core}/services`,
    service('2web', { ports: [port] }),
  ),
  post(
    'service of a type that is none',
    `${core}/services`,
    service('web2', { type: 'Magic', ports: [port] }),
  ),
  post(
    'node port out of range',
    `${core}/services`,
    service('web2', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }),
  ),
  post(
    'node port',
    `${core}/services`,
    service('np', {
      type: 'NodePort',
      clusterIP: '10.96.7.8',
      ports: [{ port: 80, nodePort: 30_777 }],
    }),
  ),
  post(
    'node port that is taken',
    `${core}/services`,
    service('np2', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_777 }] }),
  ),
  post('headless', `${core}/services`, service('headless', { clusterIP: 'None', ports: [port] })),
  post(
    'ExternalName',
    `${core}/services`,
    service('ext', { type: 'ExternalName', externalName: 'example.com' }),
  ),
  post(
    'ExternalName without a name',
    `${core}/services`,
    service('ext2', { type: 'ExternalName' }),
  ),
  post(
    'affinity of a kind that is none',
    `${core}/services`,
    service('aff', { sessionAffinity: 'Cookie', ports: [port] }),
  ),
  post(
    'affinity with a time-out of 0',
    `${core}/services`,
    service('aff', {
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } },
      ports: [port],
    }),
  ),
  post(
    'affinity',
    `${core}/services`,
    service('aff', { clusterIP: '10.96.7.9', sessionAffinity: 'ClientIP', ports: [port] }),
  ),
  post(
    'external policy on a ClusterIP',
    `${core}/services`,
    service('pol', { externalTrafficPolicy: 'Local', ports: [port] }),
  ),
  post(
    'an external address that is none',
    `${core}/services`,
    service('extip', { externalIPs: ['x'], ports: [port] }),
  ),
  patch('another address for a service', `${core}/services/web`, merge, {
    spec: { clusterIP: '10.96.7.70' },
  }),
  get('services as a table', `${core}/services/web`, table),
  { name: 'delete a service', method: 'DELETE', path: `${core}/services/np` },
]

const workloads: readonly ApiRequest[] = [
  post('deployment', `${apps}/deployments`, deployment('dep')),
  get('deployment as a table', `${apps}/deployments/dep`, table),
  post(
    'deployment whose selector does not fit',
    `${apps}/deployments`,
    deployment('dep2', { selector: { matchLabels: { app: 'other' } } }),
  ),
  post(
    'deployment without a selector',
    `${apps}/deployments`,
    deployment('dep2', { selector: null }),
  ),
  post(
    'deployment with negative replicas',
    `${apps}/deployments`,
    deployment('dep2', { replicas: -1 }),
  ),
  patch('another selector', `${apps}/deployments/dep`, merge, {
    spec: { selector: { matchLabels: { app: 'other' } } },
  }),
  get('scale', `${apps}/deployments/dep/scale`),
  post('pod without containers', `${core}/pods`, pod('p', { containers: [] })),
  post('pod without an image', `${core}/pods`, pod('p', { containers: [{ name: 'c' }] })),
  post(
    'pod with two containers of one name',
    `${core}/pods`,
    pod('p', {
      containers: [
        { name: 'c', image: 'nginx' },
        { name: 'c', image: 'nginx' },
      ],
    }),
  ),
  post(
    'pod with a restart policy that is none',
    `${core}/pods`,
    pod('p', { restartPolicy: 'Sometimes', containers: [{ name: 'c', image: 'nginx' }] }),
  ),
  post(
    'pod with a mount of no volume',
    `${core}/pods`,
    pod('p', {
      containers: [{ name: 'c', image: 'nginx', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    }),
  ),
  post(
    'pod with a port out of range',
    `${core}/pods`,
    pod('p', { containers: [{ name: 'c', image: 'nginx', ports: [{ containerPort: 70_000 }] }] }),
  ),
  get('log of a pod that is not there', `${core}/pods/nobody/log`),
]

const doors: readonly ApiRequest[] = [
  get('the groups', '/apis'),
  get('a group', '/apis/apps'),
  get('a version that is not there', '/apis/apps/v9'),
  get('a path that is not there', '/nothing'),
  { name: 'a method that is not allowed', method: 'POST', path: `${core}/configmaps/a`, body: {} },
  get('healthz', '/healthz'),
  get('readyz', '/readyz'),
]

/** What is asked, in this order: everything that a data plane, kubectl or a check of ours may run into. */
export const apiRequests: readonly ApiRequest[] = [...objects, ...services, ...workloads, ...doors]
