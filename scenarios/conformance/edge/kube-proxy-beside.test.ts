import t from 'tap'
import { besideKubeProxy } from '../hygiene/beside-kube-proxy.ts'
import { kubeProxyBeside } from './kube-proxy-beside.ts'

t.test('rows on a kube-proxy beside the target say nothing where it is the target', (t) => {
  const pods = (name: string) => ({ namespace: 'kube-system', labelSelector: `k8s-app=${name}` })
  for (const { requirement, needless } of [...kubeProxyBeside, ...besideKubeProxy]) {
    t.equal(
      needless?.({ pods: pods('kube-proxy') }),
      'kube-proxy is the target itself',
      requirement,
    )
    t.equal(needless?.({ pods: pods('mesh') }), undefined, requirement)
    t.equal(needless?.({}), undefined, requirement)
  }
  t.end()
})
