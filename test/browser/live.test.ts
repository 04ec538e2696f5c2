import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'puppeteer-core'
import { makeFolder } from '../temporary.ts'
import { browserMissing, findFaint, findFaults, openBrowser, openUrl, reachControls } from './browser.ts'
import { serveBrowse, serveProxy, serveRun, writeHeldPipeline } from './live-run.ts'

// The live page of a real run in a real browser: while it stalls, after a restart, behind a proxy, and of a run that has ended.

const skip = browserMissing()
const dir = makeFolder('live-page')
const runs = join(dir, 'runs')
const gate = join(dir, 'gate')
const asks = /\/api\/(events|rows|documents)/
let browser: Browser
let args: string[]

before(async () => {
  if (skip) return
  writeFileSync(gate, '')
  args = [writeHeldPipeline(dir, gate), '--dir', runs]
  browser = await openBrowser()
})
after(() => browser?.close())

const textOf = (page: Page, selector: string) =>
  page.$eval(selector, element => (element as unknown as { textContent: string }).textContent)
const countIn = (text: string) => Number(text.replace(/[^\d]/g, ''))
const waitFor = (page: Page, condition: string, timeout = 30_000) => page.waitForFunction(condition, { timeout })
interface Told {
  readonly state: string
  readonly documents: number
  readonly kept: number
  readonly dead: number
  readonly dropped: Readonly<Record<string, number>>
}
const askRun = async (url: string) => (await (await fetch(`${url}/api/run`)).json()) as Told

/** Counts in the page what it is told from now on, as `looks`, by a connection like its own. */
const countLooks = (page: Page) =>
  page.evaluate('window.looks = 0; new EventSource("api/events").addEventListener("look", () => window.looks++)')

/** Nodes that the page holds, of its document and beside it. */
async function countNodes(page: Page): Promise<number> {
  const session = await page.createCDPSession()
  await session.send('HeapProfiler.collectGarbage')
  await session.detach()
  return (await page.metrics()).Nodes!
}

test('a run whose annotating stage stalls: the page says so, with the figures of the run, and nothing hostile', {
  skip,
}, async () => {
  await using served = await serveRun(args)
  const { url } = served
  const { page, said } = await openUrl(browser, `${url}/`, { asks })
  await waitFor(page, 'document.querySelector("[data-stage=annotate]")?.dataset.standing === "stalled"')
  assert.match(await textOf(page, '[data-stage=annotate]'), /stalled for \d+\.\d s.*before it/)
  const run = await askRun(url)
  assert.equal(run.state, 'running')
  for (const name of ['documents', 'kept', 'dead'] as const)
    assert.equal(countIn(await textOf(page, `[data-figure=${name}] b`)), run[name], name)
  const domains = await page.$$eval('#domains tbody tr td:first-child', cells =>
    cells.map(cell => (cell as unknown as { textContent: string }).textContent),
  )
  assert.ok(domains.includes('__proto__') && domains.includes('constructor'), domains.join())
  assert.deepEqual(await page.evaluate('[document.images.length, document.scripts.length]'), [0, 3])
  assert.ok((await page.$$('#series canvas')).length >= 4)
  // What has the focus keeps it while figures change, and while nothing does.
  await page.focus('#reasons button')
  await page.evaluate('window.focused = document.activeElement')
  await countLooks(page)
  await waitFor(page, 'window.looks >= 3')
  assert.equal(await page.evaluate('document.activeElement === focused && focused.isConnected'), true)
  // What was held goes on, and the end is told before the connection is.
  rmSync(gate)
  await waitFor(page, 'document.querySelector("#state").textContent === "ended"')
  await waitFor(page, 'document.documentElement.dataset.connected === "false"')
  assert.equal(await page.evaluate('document.activeElement === focused && focused.isConnected'), true)
  assert.match(await textOf(page, '#connection'), /no connection: what stands here is of before/)
  assert.deepEqual(
    said.filter(one => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED/.test(one)),
    [],
  )
  assert.equal(await served.ended, 0)
})

test('a page finds its run again after a restart, and draws no more than before', { skip }, async () => {
  writeFileSync(gate, '')
  const again = [args[0], '--dir', join(dir, 'again')]
  await using first = await serveRun(again)
  const { page } = await openUrl(browser, `${first.url}/`, { asks })
  await waitFor(page, 'document.querySelectorAll("#series canvas").length >= 2')
  rmSync(gate)
  await first.end()
  await waitFor(page, 'document.documentElement.dataset.connected === "false"')
  await using second = await serveRun([...again, '--follow'], Number(new URL(first.url).port))
  await waitFor(page, 'document.documentElement.dataset.connected === "true"')
  await waitFor(page, 'document.querySelector("#state").textContent === "running"')
  assert.equal(await textOf(page, '#connection'), 'connected')
  await countLooks(page)
  await waitFor(page, 'window.looks >= 3')
  const before = await countNodes(page)
  await waitFor(page, 'window.looks >= 10')
  const now = await countNodes(page)
  assert.ok(now < before + 300, `${before} nodes, then ${now}`)
  assert.equal(await second.end(), 130)
})

for (const path of ['/runs/a/', '/runs/a'])
  test(`behind a proxy, at ${path}`, { skip }, async () => {
    await using served = await serveBrowse(['live', '--dir', runs])
    const { url } = served
    await using proxy = await serveProxy(url)
    const { page, said } = await openUrl(browser, proxy.url + path, { asks: /\/runs\/a\/api\/(events|rows)$/ })
    assert.equal(await textOf(page, '#state'), 'ended')
    await page.click('#read-sample')
    await page.waitForSelector('#proof')
    assert.deepEqual(said, [])
    assert.equal(await served.end(), 0)
  })

test('a run that has ended: thresholds are tried on all its rows, and its documents are found and shown', {
  skip,
}, async () => {
  await using served = await serveBrowse(['live', '--dir', runs])
  const { url } = served
  const { page, said } = await openUrl(browser, `${url}/`, { asks })
  const { documents, dead, dropped } = await askRun(url)
  await page.click('#read-sample')
  await page.waitForSelector('#proof')
  assert.match(await textOf(page, '#proof'), new RegExp(`^All ${documents - dead} fates were recomputed`))
  const [reason, count] = Object.entries<number>(dropped).toSorted((a, b) => b[1] - a[1])[0]
  await page.click(`#reasons [data-reason="${reason}"]`)
  await waitFor(page, 'document.querySelectorAll("#documents .list button").length > 0')
  const tags = await page.$$eval('#documents .list .tag', found =>
    found.map(tag => (tag as unknown as { textContent: string }).textContent),
  )
  assert.equal(tags.length, Math.min(count, 20))
  assert.ok(tags.every(tag => tag === reason))
  await page.waitForSelector('#documents .measure')
  await reachControls(page)
  // The whole report is there, too.
  const report = await fetch(`${url}/report`)
  assert.match(await report.text(), new RegExp(`id="figure-documents">.*<b>${documents}</b>`))
  assert.deepEqual(said, [])
  for (const width of [1400, 420]) {
    await page.setViewport({ width, height: 900 })
    for (const scheme of ['light', 'dark']) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
      assert.deepEqual(await findFaults(page), [], `${scheme}, ${width} pixels`)
      const { faint, count: texts } = (await page.evaluate(findFaint)) as { count: number; faint: string[] }
      assert.deepEqual(faint, [], scheme)
      assert.ok(texts > 100)
    }
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width)
  }
  assert.equal(await served.end(), 0)
})
