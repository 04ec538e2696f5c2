import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'puppeteer-core'
import { runMain } from '../cli/terminal.ts'
import { hostileReason, runIt, writeDocuments, writePipeline } from '../page/made.ts'
import { makeFolder } from '../temporary.ts'
import { browserMissing, findFaint, findFaults, openBrowser, openFile, reachControls } from './browser.ts'

// A report in a real browser: of a run with hostile names and texts, with and without deciders.

const skip = browserMissing()
const dir = makeFolder('browser')
const runs = join(dir, 'runs')
let browser: Browser

before(async () => {
  if (skip) return
  const input = writeDocuments(dir)
  await runIt(writePipeline(dir, 'plain', input), runs)
  await runIt(writePipeline(dir, 'whole', input, ', h.exactDuplicates(), h.nearDuplicates()'), runs)
  for (const [name, ...more] of [['plain'], ['whole', '--against', 'plain']])
    assert.equal((await runMain(['report', '--dir', runs, '--run', name, '--html', pageOf(name), ...more])).status, 0)
  browser = await openBrowser()
})
after(() => browser?.close())

const pageOf = (name: string) => join(dir, `${name}.html`)
const textOf = (page: Page, selector: string) =>
  page.$eval(selector, element => (element as unknown as { textContent: string }).textContent)
const openFolds = (page: Page) =>
  page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true')
const countIn = (text: string) => Number(text.replace(/[^\d]/g, ''))

/** Sets a field as a person does who types into it. */
async function enter(page: Page, selector: string, value: string): Promise<void> {
  await page.$eval(
    selector,
    (element, text) => {
      Object.assign(element, { value: text })
      element.dispatchEvent(new Event('input', { bubbles: true }))
      element.dispatchEvent(new Event('change', { bubbles: true }))
    },
    value,
  )
}

/** The effect table's sums: kept now, lost, passing anew, passing their gate. */
async function readEffect(page: Page): Promise<number[]> {
  const cells = await page.$$eval('#effect tr.all td', found =>
    found.map(cell => (cell as unknown as { textContent: string }).textContent),
  )
  return [1, 2, 3, 4].map(i => countIn(cells[i] ?? '0'))
}

for (const name of ['plain', 'whole'])
  test(`${name}: it opens without a request, an error or a warning, and its figures are those of --json`, {
    skip,
  }, async () => {
    const { page, said } = await openFile(browser, pageOf(name))
    const report = JSON.parse((await runMain(['report', '--dir', runs, '--run', name, '--json'])).out)
    const dropped = Object.values<number>(report.dropped).reduce((sum, count) => sum + count, 0)
    for (const [figure, count] of Object.entries({
      documents: report.documents,
      kept: report.kept,
      dropped,
      dead: report.dead,
      tokens: report.tokens,
    }))
      assert.equal(countIn(await textOf(page, `#figure-${figure} b`)), count, figure)
    assert.match(
      await textOf(page, '#proof'),
      new RegExp(`^All ${report.documents - report.dead} fates were recomputed`),
    )
    assert.deepEqual(said, [])
  })

test('what it says of another threshold is what headrace what-if says', { skip }, async () => {
  const { page, said } = await openFile(browser, pageOf('plain'))
  const options = await page.$$eval('#what-if select[aria-label=rule] option', found =>
    found.map(one => (one as unknown as { textContent: string }).textContent),
  )
  const tried = [
    ['gopherWords', 'below', '120'],
    ['gopherWords', 'above', '400'],
    ['gopherAlphaWords', 'below', '0.97'],
    ['gopherAlphaWords', 'below', '0.4'],
    ['seed:<b>', 'below', '1.6'],
    ['seed:<b>', 'below', '2.2'],
  ]
  let [unmeasured, returned] = [0, 0]
  for (const [column, bound, value] of tried) {
    await page.$$eval('#what-if button', found => (found[0] as unknown as { click(): void }).click())
    const option = options.findIndex(text => text.includes(`: ${column} ${bound} `))
    await enter(page, '#what-if select[aria-label=rule]', String(option))
    await enter(page, '#what-if input[type=number]', value)
    const [, ...rules] = (await textOf(page, '#line')).trim().split(/ --rule /)
    const given = rules.flatMap(rule => ['--rule', rule.replace(/^'|'$/g, '')])
    const { out, err } = await runMain(['what-if', 'plain', '--dir', runs, '--json', '--by', 'domain', ...given])
    assert.equal(err, '')
    const answer = JSON.parse(out)
    const replay = answer.needsReplay.reduce((sum: number, one: { documents: number }) => sum + one.documents, 0)
    const now = answer.kept.now.documents
    assert.deepEqual(
      await readEffect(page),
      [now, answer.removed.documents, answer.returned.documents, replay],
      `${column}.${bound}=${value}`,
    )
    assert.ok(answer.removed.documents + answer.returned.documents + replay > 0, 'the threshold changes nothing')
    unmeasured += replay
    returned += answer.returned.documents
  }
  assert.ok(unmeasured > 0 && returned > 0, `${unmeasured} not measured, ${returned} that return`)
  assert.deepEqual(said, [])
})

test('every control is reached by the keyboard, and arrows move the threshold and the list', { skip }, async () => {
  const { page } = await openFile(browser, pageOf('whole'))
  await openFolds(page)
  await reachControls(page)
  const thresholdNow = () =>
    page.$eval('#what-if input[type=number]', one => (one as unknown as { value: string }).value)
  const asRun = await thresholdNow()
  await page.focus('#what-if input[type=range]')
  await page.keyboard.press('ArrowRight')
  assert.notEqual(await thresholdNow(), asRun)
  await page.focus('.list button[aria-current=true]')
  const first = await textOf(page, '#documents b')
  await page.keyboard.press('ArrowDown')
  assert.notEqual(await textOf(page, '#documents b'), first)
})

for (const scheme of ['light', 'dark'] as const)
  test(`${scheme}: every text stands out from what is behind it, at 4.5 : 1 or more`, { skip }, async () => {
    const { page } = await openFile(browser, pageOf('whole'), { scheme })
    await openFolds(page)
    const { count, faint } = (await page.evaluate(findFaint)) as { count: number; faint: string[] }
    assert.ok(count > 300, `${count} texts`)
    assert.deepEqual(faint, [])
    // What judges them finds one that is too faint.
    await page.evaluate("document.querySelector('h1').style.color = 'var(--line)'")
    assert.match(((await page.evaluate(findFaint)) as { faint: string[] }).faint.join('\n'), /^\d\.\d\d H1\. whole$/)
  })

for (const scheme of ['light', 'dark'] as const)
  for (const width of [1400, 420])
    for (const name of ['plain', 'whole'])
      test(`${name}, ${scheme}, ${width} pixels: axe-core finds no fault`, { skip }, async () => {
        const { page, said } = await openFile(browser, pageOf(name), { scheme, width })
        assert.deepEqual(await findFaults(page), [])
        assert.deepEqual(said, [])
      })

const breaks: [breaks: string, fault: RegExp][] = [
  ["document.querySelector('h1').style.color = 'var(--line)'", /^color-contrast at h1: .* contrast of 1\.\d+/],
  ["document.querySelector('#what-if select').removeAttribute('aria-label')", /^select-name at #what-if/],
  ["document.querySelector('#funnel svg').removeAttribute('aria-label')", /^svg-img-alt at svg/],
  ["document.querySelector('#lost .scroll').removeAttribute('tabindex')", /^scrollable-region-focusable at #lost/],
  ['document.documentElement.removeAttribute("lang")', /^html-has-lang at html/],
]
test('axe-core finds each of the faults that are put into a page', { skip }, async () => {
  const { page } = await openFile(browser, pageOf('whole'), { width: 420 })
  for (const [code] of breaks) await page.evaluate(code)
  const faults = await findFaults(page)
  for (const [code, fault] of breaks)
    assert.equal(faults.filter(one => fault.test(one)).length, 1, `${code}: ${faults.join('\n')}`)
  assert.equal(faults.length, breaks.length)
})

test('on 420 pixels nothing has to be moved sideways but wide tables by themselves', { skip }, async () => {
  const { page } = await openFile(browser, pageOf('whole'), { width: 420 })
  await openFolds(page)
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 420)
})

test('hostile names and texts are text', { skip }, async () => {
  const { page, said } = await openFile(browser, pageOf('whole'))
  const reasons = await page.$$eval('[data-reason]', found =>
    found.map(one => (one as unknown as { textContent: string }).textContent),
  )
  assert.ok(reasons.includes(hostileReason))
  await enter(page, '#documents input[type=search]', '</script>')
  const shown = await textOf(page, '#documents pre.text')
  assert.ok(
    shown.includes('</script><!--<img src=x onerror=alert(1)>\ufffd\ufffd[31m '),
    JSON.stringify(shown.slice(0, 80)),
  )
  assert.deepEqual(await page.evaluate('[document.images.length, document.scripts.length]'), [0, 2])
  assert.deepEqual(said, [])
  const bytes = readFileSync(pageOf('whole'), 'utf8')
  for (const sign of ['\u2028', '\u202e', '\u001b', '<img', '<!--'])
    assert.ok(!bytes.includes(sign), JSON.stringify(sign))
})
