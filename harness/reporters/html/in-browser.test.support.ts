import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'puppeteer-core'

export interface Opened {
  readonly page: Page
  /** What the page logged, threw, or asked the network for. */
  readonly complaints: readonly string[]
}

export interface OpenOptions {
  /** Of the HTML file, without extension. */
  readonly name: string
  readonly width?: number
  readonly scheme?: 'light' | 'dark'
  readonly javascript?: boolean
}

/** Opens a file and notes everything that a quiet, self-contained document would not do. */
export async function openDocument(
  browser: Browser,
  directory: string,
  { name, width = 1400, scheme = 'light', javascript = true }: OpenOptions,
): Promise<Opened> {
  const page = await browser.newPage()
  const complaints: string[] = []
  const url = pathToFileURL(join(directory, `${name}.html`)).href
  page.on('console', (message) => complaints.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(`threw: ${String(error)}`))
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:'))
      complaints.push(`asked for ${request.url()}`)
  })
  await page.setViewport({ width, height: 900 })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
  await page.setJavaScriptEnabled(javascript)
  await page.goto(url, { waitUntil: 'load' })
  return { page, complaints }
}

/** Evaluates an expression over what `inspect` offers, e.g. `inspect.overlaps()`. */
export async function inPage<T>(page: Page, expression: string): Promise<T> {
  return (await page.evaluate(`(async () => { ${inspect}; return ${expression} })()`)) as T
}

/** Runs in the page, hence plain JavaScript: this project's types know no DOM. */
const inspect = String.raw`
const all = (selector, root = document) => [...root.querySelectorAll(selector)]
const shown = (node) => node.innerText.replaceAll('\u00A0', ' ')
const inspect = {
  unfold() {
    for (const folded of all('details')) folded.open = true
    return all('details').length
  },
  pageWidth: () => document.documentElement.scrollWidth,
  bodyText: () => document.body.innerText,
  headings: () => all('h1,h2,h3,h4,h5,h6').map((one) => Number(one.tagName.slice(1))),
  landmarks: () => all('header,nav,main,footer').map((one) => one.localName),
  background: () => getComputedStyle(document.body).backgroundColor,
  count: (selector) => all(selector).length,
  data: () => document.querySelector('#meshmark-results').textContent,
  focused: () => document.activeElement.textContent,
  smallestChartTextPx: () =>
    Math.min(...all('svg.chart text').map((text) => Number.parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)),
  /** Pairs of texts of one chart whose boxes share more than a sliver. */
  overlaps: () =>
    all('svg.chart').flatMap((chart) => {
      const texts = all('text', chart).map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }))
      return texts.flatMap((a, at) =>
        texts
          .slice(at + 1)
          .filter(
            (b) =>
              Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left) > 1 &&
              Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top) > 3,
          )
          .map((b) => chart.querySelector('title').textContent + ': "' + a.text + '" and "' + b.text + '"'),
      )
    }),
  /** Boxes that can be scrolled by pointer but not by keyboard. */
  unreachable: () =>
    all('main *')
      .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === 'auto' && one.tabIndex !== 0)
      .map((one) => one.textContent.slice(0, 60)),
  cutCharts: (widthPx) => all('svg.chart').filter((one) => one.getBoundingClientRect().right > widthPx + 1).length,
  foldedTables: () => all('details table').filter((one) => !one.checkVisibility()).length,
  /** The body of the table with this caption, row by row. */
  cells: (caption) =>
    all('tbody tr', document.getElementById(caption).closest('table')).map((row) => [...row.children].map(shown)),
  steps: () =>
    all('.step').map((step) => ({
      status: step.querySelector('.status').textContent,
      title: step.querySelector('h3').textContent,
      command: step.querySelector('.command code')?.textContent,
      text: step.textContent,
    })),
  culprits: () =>
    all('.culprits a').map((link) => document.querySelector(link.getAttribute('href')).querySelector('h3').textContent),
  barriers: async () => {
    const { violations } = await axe.run()
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => id + ': ' + node.html.slice(0, 160) + ' ' + node.failureSummary))
  },
  /** Ids of the conformance rows that are not hidden, as the reader meets them, below this selector. */
  rows: (selector) => all(selector + ' [data-row]').filter((one) => !one.closest('[hidden]')).map((one) => one.querySelector('code').textContent),
  filter: (field, value, at = 0) => {
    const one = all('.filter')[at].querySelectorAll('select, input')[{ level: 0, state: 1, text: 2 }[field]]
    one.value = value
    one.dispatchEvent(new Event('input', { bubbles: true }))
    return all('.filter')[at].querySelector('[role=status]').textContent
  },
  visible: (selector) => all(selector).map((one) => one.checkVisibility()),
  text: (selector) => document.querySelector(selector).textContent,
  xml: (text) => {
    const parsed = new DOMParser().parseFromString(text, 'application/xml')
    return { error: parsed.querySelector('parsererror')?.textContent ?? '', cases: parsed.querySelectorAll('testcase').length }
  },
}
`
