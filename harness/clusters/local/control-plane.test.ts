import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'

await t.test('the process says when it serves, and stops on SIGTERM', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-control-plane-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const at = (name: string) => join(directory, name)
  const admin = { token: 'admin', user: 'meshmark-admin', groups: ['system:masters'] }
  await writeFile(at('tokens.json'), JSON.stringify([admin]))
  await writeFile(
    at('config.json'),
    JSON.stringify({
      listen: { host: '127.0.0.1', port: 0 },
      socket: at('api.sock'),
      adminSocket: at('admin.sock'),
      pkiDir: at('pki'),
      tokensFile: at('tokens.json'),
      serviceCidr: '10.96.0.0/16',
      podCidr: '10.244.0.0/16',
      clusterDomain: 'cluster.local',
      nodePortRange: [30_000, 32_767],
      masterAddress: '192.0.2.10',
    }),
  )
  const program = join(import.meta.dirname, 'control-plane.js')
  const child = spawn(process.execPath, [program, at('config.json')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  t.equal(line, '{"ready":true}')

  const ca = await readFile(at('pki/ca.crt'))
  const call = request({
    socketPath: at('api.sock'),
    ca,
    servername: 'kubernetes.default.svc.cluster.local',
    path: '/api/v1/namespaces',
    headers: { authorization: 'Bearer admin' },
  })
  call.end()
  const [response] = (await once(call, 'response')) as [{ statusCode: number; resume(): void }]
  t.equal(response.statusCode, 200)
  response.resume()

  child.kill('SIGTERM')
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  t.ok(code === 0 || signal === 'SIGTERM')
})
