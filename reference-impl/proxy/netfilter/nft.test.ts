import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { applyScript } from './nft.ts'

const folder = mkdtempSync(join(tmpdir(), 'meshmark-nft-'))
const path = process.env['PATH']
t.teardown(() => {
  process.env['PATH'] = path
  rmSync(folder, { recursive: true })
})

/** Puts a program named nft first on PATH that says `stderr` and fails. */
const fakeNft = (stderr: string): void => {
  writeFileSync(join(folder, 'nft'), `#!/bin/sh\ncat > /dev/null\necho '${stderr}' >&2\nexit 1\n`)
  chmodSync(join(folder, 'nft'), 0o755)
  process.env['PATH'] = `${folder}:${path ?? ''}`
}

t.test('without nft the error names the package to install', async (t) => {
  process.env['PATH'] = folder
  await t.rejects(applyScript(['add table ip x']), {
    name: 'NetfilterError',
    message: /^nft could not be started: .*ENOENT.*apt-get install nftables/,
  })
})

t.test('without the right to change the kernel the error says which right', async (t) => {
  fakeNft('/dev/stdin:1:1-14: Error: Could not process rule: Operation not permitted')
  await t.rejects(applyScript(['add table ip x']), {
    message: /Operation not permitted in line 1: add table ip x\. .*CAP_NET_ADMIN/,
  })
})

t.test('a refusal without a place is passed on as it is', async (t) => {
  fakeNft('netlink: Error: cache initialization failed')
  await t.rejects(applyScript(['add table ip x']), { message: /cache initialization failed/ })
})

t.test('what the kernel does not take at once is applied in parts, in order', async (t) => {
  // refuses more than three statements, as a small socket buffer does
  writeFileSync(
    join(folder, 'nft'),
    `#!/bin/sh\ntext=$(cat)\nif [ $(echo "$text" | wc -l) -gt 3 ]; then echo 'netlink: Error: Message too long' >&2; exit 1; fi\necho "$text" >> ${folder}/applied\n`,
  )
  process.env['PATH'] = `${folder}:${path ?? ''}`
  const statements = Array.from({ length: 10 }, (_, i) => `add chain ip x c${i}`)
  await applyScript(statements)
  t.same(readFileSync(join(folder, 'applied'), 'utf8').trim().split('\n'), statements)
})
