import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { configMaps, secrets } from '../../kube/types.ts'
import { cannotRunLocal } from '../../../testing/needs-local.ts'
import { first, lab, script } from './testing/lab.ts'

const skip = await cannotRunLocal()
if (skip !== false) {
  t.plan(0, skip)
  process.exit()
}
const signal = AbortSignal.timeout(240_000)
const it = await lab(signal)
t.teardown(() => it[Symbol.asyncDispose]())
const { kube } = it.cluster

t.test('the nginx image serves the stock page, logs to stdout and takes a ConfigMap', async (t) => {
  await kube.create(
    configMaps,
    object('ConfigMap', 'extra', {
      data: { 'extra.conf': 'server { listen 8080; location / { return 200 "from the map"; } }' },
    }),
    { signal },
  )
  const pod = await it.ready('web', {
    containers: [
      {
        name: 'nginx',
        image: 'docker.io/library/nginx:1.25',
        readinessProbe: { httpGet: { path: '/', port: 80 } },
        volumeMounts: [
          { name: 'extra', mountPath: '/etc/nginx/conf.d/extra.conf', subPath: 'extra.conf' },
        ],
      },
    ],
    volumes: [{ name: 'extra', configMap: { name: 'extra' } }],
  })
  const address = pod.status.podIP ?? ''
  const stock = readFileSync('/usr/share/nginx/html/index.html', 'utf8').trimEnd()
  t.equal(await it.on('edge', ['curl', '-s', `http://${address}`]), stock, 'from its node')
  t.equal(await it.on('master', ['curl', '-s', `http://${address}`]), stock, 'from another node')
  t.equal(await it.on('edge', ['curl', '-s', `http://${address}:8080`]), 'from the map')
  const asked = async (): Promise<boolean> => (await it.log('web')).includes('"GET / HTTP/1.1" 200')
  while (!(await asked())) signal.throwIfAborted()
  t.match(await it.log('web'), /^192\.168\.10\.11 .*kube-probe/m, 'probes come from the node')
})

t.test(
  'pods reach each other, on one node and across nodes, with their own addresses',
  async (t) => {
    const server = (text: string): object =>
      script('exec httpd -f -p 7000 -h /tmp', {
        lifecycle: {
          postStart: { exec: { command: ['sh', '-c', `echo ${text} > /tmp/index.html`] } },
        },
        readinessProbe: { httpGet: { port: 7000, path: '/index.html' } },
      })
    const [here, there] = await Promise.all([
      it.ready('here', { containers: [server('here')] }),
      it.ready('there', { nodeName: 'master', containers: [server('there')] }),
    ])
    await it.ready('asker', { containers: [script('sleep 1000')] })
    for (const [pod, text] of [
      [here, 'here'],
      [there, 'there'],
    ] as const) {
      const url = `http://${pod.status.podIP ?? ''}:7000/`
      t.equal((await it.exec('asker', ['wget', '-qO-', url])).stdout.trim(), text)
    }
  },
)

t.test('an unknown image names the images that there are, as ErrImagePull', async (t) => {
  await it.start('unknown', { containers: [{ name: 'x', image: 'example.org/foo:1' }] })
  const pod = await it.until(
    'unknown',
    (pod) => first(pod)?.state.waiting?.reason === 'ImagePullBackOff',
  )
  t.equal(pod.status.phase, 'Pending')
  const words =
    /^image "example.org\/foo:1" is not known to provider local; it has: nginx, meshmark\/probe/
  const told = (await it.events('unknown', 'BackOff')).join('\n')
  t.match(first(pod)?.state.waiting?.message, /^Back-off pulling image "example.org\/foo:1"/)
  t.match(told, /Warning Failed Failed to pull image "example.org\/foo:1": image/)
  t.match(told.replace(/^[\s\S]*?": image/, 'image'), words)
  t.match(told, 'Warning Failed Error: ErrImagePull')
  t.match(told, 'Normal BackOff Back-off pulling image "example.org/foo:1"')
})

t.test('a container that fails is restarted at once, then backs off', async (t) => {
  await it.start('crash', { containers: [script('echo why >&2; exit 3')] })
  const pod = await it.until(
    'crash',
    (pod) => first(pod)?.state.waiting?.reason === 'CrashLoopBackOff',
  )
  const status = first(pod)
  t.equal(pod.status.phase, 'Running')
  t.equal(status?.restartCount, 1)
  t.match(status?.lastState.terminated, { exitCode: 3, reason: 'Error', message: 'why' })
  t.match(
    status?.state.waiting?.message,
    /^back-off 10s restarting failed container=main pod=crash_/,
  )
  t.match(
    (await it.events('crash', 'BackOff')).join('\n'),
    /Warning BackOff Back-off restarting failed/,
  )
  t.equal(await it.log('crash', 'previous=true'), 'why\n')
})

t.test('a program that does not exist is a StartError, nginx quotes its own error', async (t) => {
  await kube.create(
    configMaps,
    object('ConfigMap', 'broken', { data: { 'x.conf': 'serverr { }' } }),
    { signal },
  )
  await it.start('absent', {
    restartPolicy: 'Never',
    containers: [script('', { command: ['no-such-program'] })],
  })
  await it.start('broken', {
    restartPolicy: 'Never',
    containers: [
      { name: 'x', image: 'nginx', volumeMounts: [{ name: 'c', mountPath: '/etc/nginx/conf.d' }] },
    ],
    volumes: [{ name: 'c', configMap: { name: 'broken' } }],
  })
  const absent = await it.until('absent', ({ status }) => status.phase === 'Failed')
  t.match(first(absent)?.state.terminated, {
    exitCode: 128,
    reason: 'StartError',
    message: 'exec: "no-such-program": executable file not found in $PATH',
  })
  const broken = await it.until('broken', ({ status }) => status.phase === 'Failed')
  t.match(first(broken)?.state.terminated?.message, /unknown directive "serverr" in/)
  t.match(await it.log('broken'), /unknown directive "serverr" in/)
})

t.test('init containers run in order, sidecars beside, main containers last', async (t) => {
  const volumeMounts = [{ name: 'shared', mountPath: '/shared' }]
  const say = (name: string, more = ''): object =>
    script(`echo ${name} >> /shared/order; ${more}`, { name, volumeMounts })
  await it.ready('inits', {
    initContainers: [
      say('one'),
      { ...say('side', 'sleep 1000'), restartPolicy: 'Always' },
      say('two'),
    ],
    containers: [say('main', 'sleep 1000')],
    volumes: [{ name: 'shared', emptyDir: {} }],
  })
  const { stdout } = await it.exec('inits', ['cat', '/shared/order'])
  const order = stdout.trim().split('\n')
  t.same(
    order.filter((name) => name !== 'side'),
    ['one', 'two', 'main'],
  )
  t.ok(order.includes('side'))
})

t.test('an init container that fails stops a pod that never restarts', async (t) => {
  await it.start('badinit', {
    restartPolicy: 'Never',
    initContainers: [script('exit 4', { name: 'first' })],
    containers: [script('echo never')],
  })
  const pod = await it.until('badinit', ({ status }) => status.phase === 'Failed')
  t.equal(pod.status.initContainerStatuses?.[0]?.state.terminated?.exitCode, 4)
  t.equal(first(pod)?.state.waiting?.reason, 'PodInitializing')
})

t.test('a pod that has done its work is Succeeded and keeps its log', async (t) => {
  await it.start('done', { restartPolicy: 'OnFailure', containers: [script('echo finished')] })
  const pod = await it.until('done', ({ status }) => status.phase === 'Succeeded')
  t.match(first(pod)?.state.terminated, { exitCode: 0, reason: 'Completed' })
  t.equal(await it.log('done'), 'finished\n')
})

t.test('environment, command and volumes come from where the spec says', async (t) => {
  await kube.create(
    configMaps,
    object('ConfigMap', 'settings', { data: { colour: 'blue', 'file.txt': 'text' } }),
    { signal },
  )
  await kube.create(
    secrets,
    object('Secret', 'key', { data: { word: Buffer.from('sesame').toString('base64') } }),
    { signal },
  )
  await it.ready('configured', {
    containers: [
      script("echo $(GREETING) '$$(KEPT)'; sleep 1000", {
        env: [
          { name: 'WHO', value: 'world' },
          { name: 'GREETING', value: 'hello-$(WHO)' },
          { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
          { name: 'WORD', valueFrom: { secretKeyRef: { name: 'key', key: 'word' } } },
        ],
        envFrom: [{ prefix: 'S_', configMapRef: { name: 'settings' } }],
        volumeMounts: [
          { name: 'inner', mountPath: '/map/made/here' },
          { name: 'map', mountPath: '/map' },
          { name: 'labels', mountPath: '/labels' },
        ],
      }),
    ],
    volumes: [
      { name: 'inner', secret: { secretName: 'key' } },
      { name: 'map', configMap: { name: 'settings', items: [{ key: 'file.txt', path: 'a/b' }] } },
      {
        name: 'labels',
        downwardAPI: {
          items: [{ path: 'app', fieldRef: { fieldPath: "metadata.labels['app']" } }],
        },
      },
    ],
  })
  const { stdout } = await it.exec('configured', [
    'sh',
    '-c',
    'echo $GREETING $NODE $COLOUR $WORD $S_colour $KUBERNETES_SERVICE_HOST; cat /map/a/b /labels/app; echo; cat /map/made/here/word',
  ])
  t.equal(stdout, 'hello-world edge blue sesame blue 10.96.0.1\ntextconfigured\nsesame')
  t.equal(await it.log('configured'), 'hello-world $(KEPT)\n')
})

t.test('a missing ConfigMap is waited for', async (t) => {
  await it.start('patient', {
    containers: [script('sleep 1000', { envFrom: [{ configMapRef: { name: 'late' } }] })],
  })
  const pod = await it.until(
    'patient',
    (pod) => first(pod)?.state.waiting?.reason === 'CreateContainerConfigError',
  )
  t.equal(first(pod)?.state.waiting?.message, 'configmap "late" not found')
  await kube.create(configMaps, object('ConfigMap', 'late', { data: {} }), { signal })
  await it.until('patient', (pod) => first(pod)?.ready === true)
})

t.test('a container may write everywhere, and nothing of it reaches the machine', async (t) => {
  await it.ready('writer', {
    containers: [
      script('sleep 1000', { volumeMounts: [{ name: 'host', mountPath: '/host-etc' }] }),
    ],
    volumes: [{ name: 'host', hostPath: { path: '/etc' } }],
  })
  const name = `meshmark-test-${process.pid}`
  const { stdout } = await it.exec('writer', [
    'sh',
    '-c',
    `for at in /etc /usr /var /root /tmp /run / /host-etc; do echo x > $at/${name}; cat $at/${name}; done`,
  ])
  t.equal(stdout.replaceAll('\n', ''), 'xxxxxxxx')
  for (const at of ['/etc', '/usr', '/var', '/root', '/tmp', '/run', ''])
    t.notOk(existsSync(`${at}/${name}`), `${at}/${name} is not there`)
  const missing = await it.exec('writer', ['ls', '/run/meshmark'])
  t.match(missing.stderr, 'No such file', 'the files of the run are out of sight')
})

t.test("a pod edits its node's resolv.conf through a hostPath volume", async (t) => {
  await it.ready('editor', {
    hostNetwork: true,
    containers: [
      script('sleep 1000', { volumeMounts: [{ name: 'r', mountPath: '/host/resolv.conf' }] }),
    ],
    volumes: [{ name: 'r', hostPath: { path: '/etc/resolv.conf', type: 'File' } }],
  })
  await it.exec('editor', ['sh', '-c', 'echo "# by a pod" >> /host/resolv.conf'])
  t.match(await it.on('edge', ['cat', '/etc/resolv.conf']), '# by a pod')
  t.notMatch(await it.on('master', ['cat', '/etc/resolv.conf']), '# by a pod')
  t.notMatch(readFileSync('/etc/resolv.conf', 'utf8'), '# by a pod')
})

t.test('every dnsPolicy gives its resolv.conf, hostAliases go to /etc/hosts', async (t) => {
  const conf = async (name: string, spec: object): Promise<string> => {
    await it.ready(name, { ...spec, containers: [script('sleep 1000')] })
    return (await it.exec(name, ['cat', '/etc/resolv.conf'])).stdout
  }
  const cluster =
    'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n'
  const own = {
    nameservers: ['192.0.2.53'],
    searches: ['example.org'],
    options: [{ name: 'ndots', value: '2' }],
  }
  t.equal(
    await conf('dns-first', { hostAliases: [{ ip: '192.0.2.1', hostnames: ['a.example.org'] }] }),
    cluster,
  )
  t.equal(
    await conf('dns-host-first', { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }),
    cluster,
  )
  t.match(await conf('dns-host', { hostNetwork: true }), 'nameserver 192.168.10.1')
  t.match(await conf('dns-default', { dnsPolicy: 'Default' }), 'nameserver 192.168.10.1')
  t.equal(
    await conf('dns-none', { dnsPolicy: 'None', dnsConfig: own }),
    'search example.org\nnameserver 192.0.2.53\noptions ndots:2\n',
  )
  const hosts = (await it.exec('dns-first', ['cat', '/etc/hosts'])).stdout
  t.match(hosts, /^192\.0\.2\.1\ta\.example\.org$/m)
  t.equal((await it.exec('dns-first', ['hostname'])).stdout, 'dns-first\n')
})

t.test('the token of a pod opens the API through its mounted files', async (t) => {
  await it.ready('client', { containers: [script('sleep 1000')] })
  const at = '/var/run/secrets/kubernetes.io/serviceaccount'
  const { stdout } = await it.exec('client', [
    'sh',
    '-c',
    `curl -s --cacert ${at}/ca.crt -H "Authorization: Bearer $(cat ${at}/token)" https://192.168.10.10:6443/apis/authentication.k8s.io/v1/selfsubjectreviews -X POST -H 'content-type: application/json' -d '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'; cat ${at}/namespace`,
  ])
  t.match(stdout, 'system:serviceaccount:default:default')
  t.match(stdout, /default$/)
})

function object(kind: string, name: string, rest: object): Parameters<typeof kube.create>[1] {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'default' }, ...rest }
}
