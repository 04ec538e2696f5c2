import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'

const known = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const path = known.find(one => one && existsSync(one))

/**
 * Why tests in a browser are skipped, or false where they can run. With `CHROMIUM_REQUIRED` set, as in CI, a missing browser is a failure:
 * there a test that is skipped would pass for one that has passed.
 */
export function browserMissing(): string | false {
  if (path) return false
  const reason = 'there is no Chromium: install it (Debian: apt-get install chromium), or name its program in CHROMIUM'
  if (process.env.CHROMIUM_REQUIRED) throw new Error(reason)
  return reason
}

/** A browser in a sandbox, but for root, for whom Chromium has none. */
export function openBrowser(): Promise<Browser> {
  const args = ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])]
  return puppeteer.launch({ executablePath: path!, args })
}

/** A page with all that it said: requests but for its own file, errors, warnings. */
export interface OpenedPage {
  readonly page: Page
  readonly said: readonly string[]
}

export interface OpenOptions {
  readonly width?: number
  readonly scheme?: 'light' | 'dark'
  /** What the page may ask for besides itself. Default nothing. */
  readonly asks?: RegExp
}

export function openFile(browser: Browser, file: string, options: OpenOptions = {}): Promise<OpenedPage> {
  return openUrl(browser, pathToFileURL(file).href, options)
}

export async function openUrl(
  browser: Browser,
  url: string,
  { width = 1400, scheme = 'light', asks = /^$/ }: OpenOptions = {},
): Promise<OpenedPage> {
  const page = await browser.newPage()
  const said: string[] = []
  page.on('console', message => said.push(`console: ${message.text()}`))
  page.on('pageerror', error => said.push(`error: ${error instanceof Error ? error.message : error}`))
  page.on('request', request => {
    if (request.url() !== url && !asks.test(request.url())) said.push(`request: ${request.url()}`)
  })
  page.on('dialog', dialog => said.push(`dialog: ${dialog.message()}`))
  await page.setViewport({ width, height: 900 })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
  await page.goto(url)
  await page.waitForSelector('html[data-ready=true]', { timeout: 30_000 })
  return { page, said }
}

/**
 * What a page fails of WCAG 2.1, levels A and AA, as far as axe-core can tell: the rule, where, and why. All folds are opened first. It
 * leaves the contrast of texts over a picture undecided, which is that of all charts: `findFaint` judges those.
 */
export async function findFaults(page: Page): Promise<string[]> {
  await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true')
  // Goes by the debugger: as an element of the page it would not pass the policy.
  await page.evaluate(readFileSync(axePath, 'utf8'))
  const { checked, faults } = (await page.evaluate(runAxe)) as { checked: number; faults: string[] }
  if (checked < rulesMin) throw new Error(`axe-core applied ${checked} rules to ${page.url()}: it did not see the page`)
  return faults
}

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
/** A page with a title, a language and a text alone has more that apply. */
const rulesMin = 8

const runAxe = `(async () => {
  const runOnly = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }
  const { passes, violations } = await axe.run(document, { runOnly, resultTypes: ['violations'] })
  const faults = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => id + ' at ' + target.join(' ') + ': ' + failureSummary.replace(/\\s+/g, ' ')))
  return { checked: passes.length + violations.length, faults }
})()`

/** Text nodes whose contrast with what is behind them is below a bound, each with its ratio. Runs in the page. */
export const findFaint = `(() => {
  const parse = text => {
    const numbers = text.match(/-?[\\d.]+(?:e-?\\d+)?/g).map(Number)
    const scale = text.startsWith('color(') ? 255 : 1
    return [...numbers.slice(0, 3).map(one => one * scale), numbers[3] ?? 1]
  }
  const over = ([r, g, b, a], below) => [r, g, b].map((one, i) => one * a + below[i] * (1 - a))
  const backgroundOf = element => {
    const layers = []
    for (let one = element; one; one = one.parentElement) layers.push(parse(getComputedStyle(one).backgroundColor))
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255])
  }
  const light = color => {
    const [r, g, b] = color.map(one => (one / 255 <= 0.03928 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const faint = []
  let count = 0
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement
    if (node.textContent.trim() === '' || /^(SCRIPT|STYLE|NOSCRIPT|title)$/.test(element.tagName) || element.closest('[hidden]')) continue
    const style = getComputedStyle(element)
    const isSvg = element instanceof SVGElement
    const behind = backgroundOf(isSvg ? element.closest('svg').parentElement : element)
    const [front, back] = [light(over(parse(isSvg ? style.fill : style.color), behind)), light(behind)]
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05)
    count++
    if (ratio < 4.5) faint.push(ratio.toFixed(2) + ' ' + element.tagName + '.' + element.className + ' ' + node.textContent.trim().slice(0, 40))
  }
  return { count, faint }
})()`

/** Finds what a person can act on, and keeps it as `controls`. Runs in the page. */
const findControls = `(() => {
  const all = [...document.querySelectorAll('button,input,select,summary,a[href],[tabindex="0"]')].filter(
    one => one.tabIndex >= 0 && !one.disabled && one.checkVisibility(),
  )
  window.controls = all
  return all.map(one => one.tagName + ' ' + (one.getAttribute('aria-label') ?? one.textContent.slice(0, 30)))
})()`

/** Goes through a page by the tabulator, and asserts that it comes to every control. A list of documents is one stop. */
export async function reachControls(page: Page): Promise<void> {
  const controls = (await page.evaluate(findControls)) as string[]
  assert.ok(controls.length > 20, `${controls.length} controls`)
  assert.equal(await page.evaluate('controls.filter(one => one.closest(".list")).length'), 1)
  const reached = new Set<number>()
  for (let i = 0; i < controls.length + 5; i++) {
    await page.keyboard.press('Tab')
    reached.add((await page.evaluate('controls.indexOf(document.activeElement)')) as number)
  }
  assert.deepEqual(
    controls.filter((_, i) => !reached.has(i)),
    [],
  )
}
