import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Facts } from '../log.ts'
import { NodeResolvConf } from './node-resolv-conf.ts'
import { nameservers } from './resolv-conf.ts'

const address = '169.254.96.16'

async function file(
  t: { teardown(undo: () => Promise<void>): void },
  content: string | Buffer,
): Promise<{ readonly path: string; readonly node: NodeResolvConf; readonly said: string[] }> {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-resolv-'))
  t.teardown(async () => rm(directory, { recursive: true }))
  const path = join(directory, 'resolv.conf')
  await writeFile(path, content)
  const said: string[] = []
  const info = (message: string, _facts?: Facts): void => void said.push(message)
  const log = { debug: info, info, warn: info, error: info }
  return { path, node: new NodeResolvConf({ path, address, log }), said }
}

const contents: Readonly<Record<string, string | Buffer>> = {
  'a usual one': 'search example.com\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions edns0\n',
  'an empty one': '',
  'one without an end of line': 'nameserver 192.0.2.1',
  'one with strange bytes': Buffer.from([0x23, 0xff, 0x00, 0xc3, 0x0d, 0x0a, 0x80]),
}

for (const [what, content] of Object.entries(contents))
  t.test(`${what} comes back byte for byte`, async (t) => {
    const { path, node } = await file(t, content)
    const before = await stat(path)
    await node.insert()
    const text = await readFile(path, 'utf8')
    t.equal(nameservers(text)[0], address)
    await node.insert()
    t.equal(await readFile(path, 'utf8'), text, 'inserting twice changes nothing')
    await node.restore()
    t.ok((await readFile(path)).equals(Buffer.from(content)))
    t.equal((await stat(path)).ino, before.ino, 'the same inode: it may be a mount')
  })

t.test("the node's servers are those besides ours", async (t) => {
  const { node } = await file(
    t,
    `nameserver 192.0.2.1\n nameserver ${address}\nnameserver fe80::1%eth0\n#nameserver 192.0.2.9\n`,
  )
  t.same(await node.servers(), ['192.0.2.1', 'fe80::1%eth0'])
  await node.insert()
  t.same(await node.servers(), ['192.0.2.1', 'fe80::1%eth0'])
})

t.test('what a killed agent left is taken over, not added to', async (t) => {
  const { path, node, said } = await file(t, 'nameserver 192.0.2.1\n')
  await node.insert()
  const left = await readFile(path, 'utf8')
  const log = {
    debug: () => undefined,
    info: (message: string) => void said.push(message),
    warn: () => undefined,
    error: () => undefined,
  }
  const next = new NodeResolvConf({ path, address, log })
  await next.insert()
  t.equal(await readFile(path, 'utf8'), left)
  t.match(said.at(-1), /an earlier one left it/)
  const moved = new NodeResolvConf({ path, address: '169.254.20.10', log })
  await moved.insert()
  t.same(
    nameservers(await readFile(path, 'utf8')),
    ['169.254.20.10', '192.0.2.1'],
    'another address replaces it',
  )
  await moved.restore()
  t.equal(await readFile(path, 'utf8'), 'nameserver 192.0.2.1\n')
})

t.test('a change by somebody else is noticed, our own is not', async (t) => {
  const { path, node } = await file(t, 'nameserver 192.0.2.1\n')
  await node.hasChanged()
  t.notOk(await node.hasChanged())
  await node.insert()
  t.notOk(await node.hasChanged())
  await writeFile(path, 'nameserver 192.0.2.77\n')
  t.ok(await node.hasChanged())
  await node.insert()
  t.same(nameservers(await readFile(path, 'utf8')), [address, '192.0.2.77'])
})

t.test('a file that is missing is an error', async (t) => {
  const { path, node } = await file(t, '')
  await rm(path)
  await t.rejects(node.insert(), { code: 'ENOENT' })
  await writeFile(path, '')
})
