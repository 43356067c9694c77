import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import puppeteer from 'puppeteer-core'
import t from 'tap'
import { conformantRun, nonConformantRun } from '../fixtures.ts'
import { inPage, openDocument, type OpenOptions, type Opened } from './in-browser.test.support.ts'
import { html } from './report.ts'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const skip = existsSync(executablePath)
  ? false
  : `no Chromium at ${executablePath} (CHROMIUM names another)`

const bad = nonConformantRun()
const tests = bad.conformance?.tests ?? []

// why: a browser starts, and the machine may be busy
t.setTimeout(240_000)

t.test('the conformance view in a real browser', { skip }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-conformance-'))
  const browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox'] })
  t.teardown(async () => {
    await browser.close()
    await rm(directory, { recursive: true })
  })
  await writeFile(join(directory, 'one.html'), html.render([bad]))
  await writeFile(join(directory, 'two.html'), html.render([conformantRun(), bad]))
  const open = (options: OpenOptions): Promise<Opened> => openDocument(browser, directory, options)

  await t.test('every row is there once, with or without JavaScript', async (t) => {
    for (const javascript of [true, false]) {
      const { page } = await open({ name: 'one', javascript })
      const rows = await inPage<readonly string[]>(page, `inspect.rows('#conformance')`)
      t.same([...rows].sort(), tests.map(({ id }) => id).sort())
      t.equal(await inPage(page, `inspect.count('.filter')`), javascript ? 1 : 0)
      await page.close()
    }
  })

  await t.test('the filter goes by level, state and text, and unfolds what it finds', async (t) => {
    const { page, complaints } = await open({ name: 'one' })
    const filter = (field: string, value: string): Promise<string> =>
      inPage<string>(page, `inspect.filter('${field}', '${value}')`)
    const rows = (): Promise<readonly string[]> => inPage(page, `inspect.rows('#conformance')`)
    t.equal(await filter('state', 'failed'), '4 of 37 rows')
    t.same(await rows(), ['DNS-A-003', 'DNS-HDL-003', 'L7-SMG-001', 'LB-DR-001'])
    t.equal(await filter('level', 'SHOULD'), '1 of 37 rows')
    t.same(await rows(), ['DNS-HDL-003'])
    t.same(await inPage(page, `inspect.visible('.profile')`), [
      true,
      ...Array<boolean>(6).fill(false),
    ])
    await filter('level', '')
    t.equal(await filter('state', ''), '37 rows')
    t.equal(await filter('text', 'DESCRIPTORS'), '1 of 37 rows', 'a row that passed, in a fold')
    t.same(await inPage(page, `inspect.visible('#row-rob-fd-001')`), [true])
    await filter('text', '')
    t.same(await inPage(page, `inspect.visible('#row-rob-fd-001')`), [false], 'folded again')
    t.equal(await filter('text', 'no such thing'), '0 of 37 rows')
    t.same(complaints, [])
    await page.close()
  })

  await t.test(
    'a failure shows all there is: expected, observed, evidence, the line',
    async (t) => {
      const { page } = await open({ name: 'one' })
      await page.click('.culprits a')
      await page.waitForFunction(`document.querySelector('#row-dns-a-003 details').open`, {
        timeout: 10_000,
      })
      const text = await inPage<string>(page, `inspect.text('#row-dns-a-003')`)
      for (const part of [
        'MUST',
        'S§2.1',
        '12 of 1000 answers were of the other namespace',
        '10.96.12.7 for web.red',
        'in 12 queries, the first after 214',
        'answers of the other namespace: expected 0, observed 12',
        'evidence/DNS-A-003/queries.txt',
        'npx meshmark conform --target edgemesh --only DNS-A-003 --seed 7',
      ])
        t.ok(text.includes(part), part)
      await page.close()
    },
  )

  await t.test(
    'side by side, what differs comes first, and each verdict leads to its row',
    async (t) => {
      const { page } = await open({ name: 'two' })
      const first = await inPage<readonly (readonly string[])[]>(
        page,
        `inspect.cells('rows-differing')`,
      )
      t.equal(first.length, 10)
      t.match(first[0], [/^DNS-A-003 MUST\nTwo namespaces/, 'passed', / ?failed/])
      const same = await inPage<readonly (readonly string[])[]>(page, `inspect.cells('rows-same')`)
      t.equal(first.length + same.length, tests.length)
      for (const [, a, b] of same) t.equal(a?.trim(), b?.trim())
      await page.click('#conformance-matrix td a')
      await page.waitForFunction(`document.querySelector('#run-2-row-dns-a-003 details').open`, {
        timeout: 10_000,
      })
      t.equal(
        await inPage(page, `inspect.filter('state', 'flaky')`),
        '1 of 37 rows',
        'the matrix has a filter of its own',
      )
      t.same(await inPage(page, `inspect.rows('#conformance-matrix')`), ['L4-UDP-006'])
      await page.close()
    },
  )
})
