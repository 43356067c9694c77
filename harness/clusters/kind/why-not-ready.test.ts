import t from 'tap'
import { canonical } from './load-images.ts'
import { probableCause } from './why-not-ready.ts'

for (const { logs, because } of [
  { logs: 'E1124 kubelet: write /var/lib/x: no space left on device', because: /disk is full/ },
  {
    logs: 'kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported',
    because: /cgroups/,
  },
  { logs: 'failed to get sandbox image "registry.k8s.io/pause:3.10"', because: /image is missing/ },
  { logs: 'cni plugin not initialized', because: /pod network/ },
  { logs: 'inotify_init: too many open files', because: /inotify/ },
])
  t.test(`a node whose log says "${logs.slice(0, 45)}" has a probable cause`, (t) => {
    t.match(probableCause(logs), { because, cure: /./ })
    t.end()
  })

t.test('a log that says nothing known has none', (t) => {
  t.equal(probableCause('everything is fine'), undefined)
  t.end()
})

t.test('images are called as containerd calls them', (t) => {
  for (const [given, wanted] of [
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.22', 'docker.io/library/nginx:1.22'],
    ['meshmark/probe:abc', 'docker.io/meshmark/probe:abc'],
    ['registry.example:5000/a/b:1', 'registry.example:5000/a/b:1'],
    ['localhost/x', 'localhost/x:latest'],
  ] as const)
    t.equal(canonical(given), wanted)
  t.end()
})
