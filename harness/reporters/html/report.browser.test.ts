import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import puppeteer, { type Page } from 'puppeteer-core'
import t, { type Test } from 'tap'
import type { BenchQuestion, RunResult } from '../../model/run-result.ts'
import {
  askedByName,
  conformantRun,
  failingRun,
  invalidRun,
  nextRelease,
  nonConformantRun,
  partialRun,
  passingRun,
} from '../fixtures.ts'
import { count, number } from '../format.ts'
import { junit } from '../junit.ts'
import { inPage, openDocument, type Opened, type OpenOptions } from './in-browser.test.support.ts'
import { html } from './report.ts'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const skip = existsSync(executablePath)
  ? false
  : `no Chromium at ${executablePath} (CHROMIUM names another)`

/** Set to a folder to keep the screenshots and look at them. */
const keepIn = process.env['MESHMARK_SCREENSHOTS']

/** A4 between its margins. */
const paperWidthPx = 690

const passing = passingRun()
const failing = failingRun()
const documents = {
  passing: [passing],
  failing: [failing],
  partial: [partialRun()],
  invalid: [invalidRun()],
  releases: [passing, nextRelease()],
  nonConformant: [nonConformantRun()],
  asked: [askedByName()],
  targets: [conformantRun(), nonConformantRun()],
} satisfies Readonly<Record<string, readonly RunResult[]>>
const names = Object.keys(documents)

type Open = (options: OpenOptions) => Promise<Opened>

// why: axe alone takes seconds per document, and the machine may be busy
t.setTimeout(240_000)

t.test('the report in a real browser', { skip }, async (t) => {
  const directory = keepIn ?? (await mkdtemp(join(tmpdir(), 'meshmark-report-')))
  const browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox'] })
  t.teardown(async () => {
    await browser.close()
    if (keepIn === undefined) await rm(directory, { recursive: true })
  })
  for (const [name, results] of Object.entries(documents))
    await writeFile(join(directory, `${name}.html`), html.render(results))
  const open: Open = (options) => openDocument(browser, directory, options)

  await t.test('it neither complains nor asks for anything but itself', async (t) => {
    for (const name of names)
      for (const javascript of [true, false]) {
        const { page, complaints } = await open({ name, javascript })
        t.same(complaints, [], `${name}, JavaScript ${javascript ? 'on' : 'off'}`)
        await page.close()
      }
  })

  await t.test('nothing has to be scrolled sideways, from phone to desktop', async (t) => {
    for (const name of names)
      for (const width of [320, 400, 768, 1400]) {
        const { page } = await open({ name, width })
        t.equal(await inPage(page, 'inspect.pageWidth()'), width, `${name} at ${width}`)
        await page.close()
      }
  })

  await t.test('texts of charts are readable on a phone and cover no other', async (t) => {
    for (const name of names) {
      const { page } = await open({ name, width: 400 })
      const smallestPx = await inPage<number>(page, 'inspect.smallestChartTextPx()')
      t.ok(smallestPx >= 9, `${name}: ${smallestPx} px`)
      t.same(await inPage(page, 'inspect.overlaps()'), [], name)
      await page.close()
    }
  })

  await t.test('axe finds no barrier, in light and dark, everything unfolded', async (t) => {
    const axe = await readFile(
      createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
      'utf8',
    )
    for (const name of names)
      for (const [scheme, width] of [
        ['light', 1400],
        ['dark', 400],
      ] as const) {
        const { page } = await open({ name, scheme, width })
        await inPage(page, 'inspect.unfold()')
        await page.evaluate(axe)
        t.same(await inPage(page, 'inspect.barriers()'), [], `${name}, ${scheme}, ${width} px`)
        await page.close()
      }
  })

  await t.test('without JavaScript everything is there but the buttons', async (t) => {
    const text = async (page: Page): Promise<string> =>
      (await inPage<string>(page, 'inspect.bodyText()'))
        .replaceAll(/^(Copy|Download as JSON)$/gm, '')
        .replaceAll(/\s+/g, ' ')
    const { page } = await open({ name: 'passing' })
    const { page: plain } = await open({ name: 'passing', javascript: false })
    t.equal(await text(plain), await text(page))
    t.equal(await inPage(page, `inspect.count('button')`), 2)
    t.equal(await inPage(plain, `inspect.count('button')`), 0)
    await Promise.all([page.close(), plain.close()])
  })

  await t.test('a program can read the results back', async (t) => {
    const { page } = await open({ name: 'releases' })
    t.same(JSON.parse(await inPage<string>(page, 'inspect.data()')), documents.releases)
    await page.close()
  })

  await t.test('the tables and dots say what the result says', (t) => numbersEqualResult(t, open))
  await t.test('every step is shown with its status, command and facts', (t) => stepsShown(t, open))

  await t.test('headings are in order and the landmarks are there', async (t) => {
    for (const name of names) {
      const { page } = await open({ name })
      const levels = await inPage<readonly number[]>(page, 'inspect.headings()')
      t.equal(levels.filter((level) => level === 1).length, 1, `${name}: one title`)
      const jumps = levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1)
      t.same(jumps, [], `${name}: no level is left out`)
      t.same(await inPage(page, 'inspect.landmarks()'), ['header', 'nav', 'main', 'footer'])
      await page.close()
    }
  })

  await t.test('the keyboard reaches the results first, and every box that scrolls', async (t) => {
    for (const name of ['passing', 'releases', 'targets']) {
      const { page } = await open({ name, width: 400 })
      await page.keyboard.press('Tab')
      t.equal(await inPage(page, 'inspect.focused()'), 'Skip to the results')
      await inPage(page, 'inspect.unfold()')
      t.same(await inPage(page, 'inspect.unreachable()'), [], name)
      await page.close()
    }
  })

  await t.test(
    'on paper it is light, whole and unfolded, also where screens are dark',
    async (t) => {
      for (const name of names) {
        const { page } = await open({ name, javascript: false })
        const client = await page.createCDPSession()
        await client.send('Emulation.setEmulatedMedia', {
          media: 'print',
          features: [{ name: 'prefers-color-scheme', value: 'dark' }],
        })
        await page.setViewport({ width: paperWidthPx, height: 1000 })
        t.equal(await inPage(page, 'inspect.background()'), 'rgb(255, 255, 255)', name)
        t.equal(await inPage(page, 'inspect.pageWidth()'), paperWidthPx)
        t.equal(await inPage(page, `inspect.cutCharts(${paperWidthPx})`), 0)
        t.equal(await inPage(page, 'inspect.foldedTables()'), 0)
        const pdf = await page.pdf({ format: 'A4', printBackground: true })
        t.equal(Buffer.from(pdf.subarray(0, 5)).toString(), '%PDF-')
        await page.close()
      }
    },
  )

  await t.test('it looks like something in every size and scheme', async (t) => {
    for (const name of ['passing', 'failing', 'releases', 'nonConformant', 'targets'])
      for (const width of [400, 1400])
        for (const scheme of ['light', 'dark'] as const) {
          const { page } = await open({ name, width, scheme })
          const path = join(directory, `${name}-${width}-${scheme}.png`) as `${string}.png`
          await page.screenshot({ path, clip: { x: 0, y: 0, width, height: 2000 } })
          const { size } = await stat(path)
          t.ok(size > 40_000, `${name}, ${width} px, ${scheme}: ${size} bytes are not blank`)
          const background = await inPage<string>(page, 'inspect.background()')
          const red = Number(/\d+/.exec(background)?.[0])
          t.equal(red > 127, scheme === 'light', `${scheme} is ${scheme}`)
          await page.close()
        }
  })

  await t.test('the button copies the line that repeats the run', async (t) => {
    const { page, complaints } = await open({ name: 'passing' })
    await browser
      .defaultBrowserContext()
      .setPermission('*', { permission: { name: 'clipboard-read' }, state: 'granted' })
    await page.bringToFront()
    await page.click('#reproduce button')
    await page.waitForFunction(
      `document.querySelector('#reproduce button').textContent === 'Copied'`,
      { timeout: 5_000 },
    )
    t.equal(
      await inPage(page, 'await navigator.clipboard.readText()'),
      'npx meshmark run --seed 2864434397',
    )
    t.same(complaints, [])
    await page.close()
  })

  await t.test('the JUnit document is well-formed XML for a real parser', async (t) => {
    const page = await browser.newPage()
    for (const results of Object.values(documents)) {
      const document = junit.render(results)
      const found = await inPage<{ readonly error: string; readonly cases: number }>(
        page,
        `inspect.xml(${JSON.stringify(document)})`,
      )
      t.equal(found.error, '')
      t.ok(found.cases > 0)
      t.equal(found.cases, document.split('<testcase ').length - 1, 'the cases that were written')
    }
    await page.close()
  })
})

async function numbersEqualResult(t: Test, open: Open): Promise<void> {
  const { page } = await open({ name: 'passing' })
  await inPage(page, 'inspect.unfold()')
  const cells = (caption: string): Promise<readonly (readonly string[])[]> =>
    inPage(page, `inspect.cells('${caption}')`)
  for (const question of passing.bench?.questions ?? []) {
    const id = `q-${question.id}`
    t.same(
      (await cells(`${id}-arms`)).map((row) => [row[1], row.at(-1)]),
      question.arms.map(({ value, trials }) => [
        number(value),
        `${trials.filter(({ valid }) => valid).length} of ${trials.length}`,
      ]),
      `${question.id}: medians`,
    )
    t.same(
      (await cells(`${id}-trials`)).map((row) => [...row.slice(0, 5), row.at(-1)]),
      expectedTrials(question),
      `${question.id}: trials`,
    )
    const valid = question.arms.flatMap(({ trials }) => trials).filter((trial) => trial.valid)
    t.equal(
      await inPage(page, `inspect.count('[aria-labelledby^="${id}-bars-t"] circle')`),
      valid.length,
      `${question.id}: a dot for each valid trial`,
    )
    if (question.effect !== undefined)
      t.equal((await cells(`${id}-pairs-table`)).length, question.effect.pairs.length)
  }
  t.same(await cells('tools'), Object.entries(passing.environment.tools))
  t.same(
    await cells('topology-nodes'),
    passing.cluster.nodes.map(({ name, role, address, lan }) => [name, role, address, lan]),
  )
  await page.close()
}

/** The trials of a question in the order in which they ran, as their table shows them. */
function expectedTrials(question: BenchQuestion): readonly (readonly string[])[] {
  return (passing.bench?.order ?? []).flatMap((one, at) => {
    const arm = question.arms.find(({ id }) => id === one.arm)
    const trial = arm?.trials.find(({ pair }) => pair === one.pair)
    if (one.question !== question.id || trial === undefined) return []
    const used = trial.valid ? 'yes' : `no: ${trial.invalid.join('; ')}`
    const { pair, value } = trial
    return [[String(at + 1), one.arm, String(pair + 1), number(value), count(trial.count), used]]
  })
}

async function stepsShown(t: Test, open: Open): Promise<void> {
  const { page } = await open({ name: 'failing' })
  const shown = await inPage<readonly { readonly text: string }[]>(page, 'inspect.steps()')
  const steps = failing.walkthrough?.steps ?? []
  t.match(
    shown,
    steps.map(({ status, title, command }) => ({ status, title, command })),
  )
  for (const [at, { expected, reason }] of steps.entries())
    for (const part of [expected, reason])
      if (part !== undefined) t.ok(shown[at]?.text.includes(part), part)
  const hostile = String.raw`<script>alert("not ours")</script> \x1b[31mbad gateway`
  t.ok(shown.some(({ text }) => text.includes(hostile)))
  t.same(
    await inPage(page, 'inspect.culprits()'),
    steps
      .filter(({ status }) => status === 'failed' || status === 'inconclusive')
      .map(({ title }) => title),
    'the banner links to each',
  )
  await page.close()
}
