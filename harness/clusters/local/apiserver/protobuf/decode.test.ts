import t from 'tap'
import { fields } from '../resources/index.ts'
import { parseSchema } from '../schema.ts'
import { decodeProtobuf } from './decode.ts'

/** Writes messages as clients do: fields in order, zero values of plain fields included. */
const varint = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
const number = (field: number, value: number) =>
  Buffer.from([...varint(field << 3), ...varint(value)])
const bytes = (field: number, content: string | Buffer) => {
  const body = Buffer.from(content)
  return Buffer.concat([Buffer.from([...varint((field << 3) | 2), ...varint(body.length)]), body])
}
const message = (field: number, ...parts: readonly Buffer[]) => bytes(field, Buffer.concat(parts))
const envelope = (apiVersion: string, kind: string, ...parts: readonly Buffer[]) =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    message(1, bytes(1, apiVersion), bytes(2, kind)),
    message(2, ...parts),
  ])

const schema = parseSchema(fields)

await t.test('a Service is read with its numbers, lists and ports', (t) => {
  const body = envelope(
    'v1',
    'Service',
    message(
      1,
      bytes(1, 'nginx-svc'),
      bytes(2, ''),
      message(8),
      message(11, bytes(1, 'a'), bytes(2, 'b')),
    ),
    message(
      2,
      message(
        1,
        bytes(1, 'http-0'),
        bytes(2, 'TCP'),
        number(3, 12_345),
        message(4, number(1, 0), number(2, 80), bytes(3, '')),
        number(5, 0),
      ),
      message(1, bytes(1, 'named'), number(3, 1), message(4, number(1, 1), bytes(3, 'web'))),
      message(2, bytes(1, 'app'), bytes(2, 'nginx')),
      bytes(18, '10.96.0.9'),
      number(13, 1),
    ),
    message(3, message(1)),
  )
  t.match(decodeProtobuf(body, schema), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'nginx-svc', labels: { a: 'b' } },
    spec: {
      ports: [
        { name: 'http-0', protocol: 'TCP', port: 12_345, targetPort: 80 },
        { name: 'named', port: 1, targetPort: 'web' },
      ],
      selector: { app: 'nginx' },
      clusterIPs: ['10.96.0.9'],
      publishNotReadyAddresses: true,
    },
  })
  const decoded = JSON.stringify(decodeProtobuf(body, schema))
  t.notMatch(decoded, /nodePort|"namespace"|creationTimestamp/, 'zero values are absent values')
  t.end()
})

await t.test('a pointer to zero stays zero; embedded messages are flat in JSON', (t) => {
  const deployment = envelope('apps/v1', 'Deployment', message(2, number(1, 0), number(5, 0)))
  t.same(decodeProtobuf(deployment, schema)['spec'], { replicas: 0 })
  const pod = envelope(
    'v1',
    'Pod',
    message(2, message(1, bytes(1, 'v'), message(2, message(2, bytes(1, ''))))),
  )
  t.same(decodeProtobuf(pod, schema)['spec'], { volumes: [{ name: 'v', emptyDir: {} }] })
  const secret = envelope('v1', 'Secret', message(2, bytes(1, 'k'), bytes(2, Buffer.from([1, 2]))))
  t.same(decodeProtobuf(secret, schema)['data'], { k: 'AQI=' })
  t.end()
})

await t.test('what is no such body is refused with 400', (t) => {
  const pod = envelope('v1', 'Pod', message(1, bytes(1, 'a')))
  for (const body of [
    Buffer.from('{}'),
    Buffer.alloc(0),
    pod.subarray(0, pod.length - 1),
    envelope('v9', 'Galaxy'),
    Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(20, 0xff)]),
  ]) {
    t.throws(() => decodeProtobuf(body, schema), { code: 400 })
  }
  t.end()
})
