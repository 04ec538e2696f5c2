import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'puppeteer-core'
import { bindingOf } from '../../src/record/binding.ts'
import { readRunFile } from '../../src/record/run-file.ts'
import { writeTrimmed } from '../../src/record/trimmed.ts'
import { runMain } from '../cli/terminal.ts'
import { hostile, runIt, writeDocuments, writePipeline } from '../page/made.ts'
import { runHeadrace, runUntilCommit, smallSlots } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { browserMissing, findFaults, openBrowser, openFile } from './browser.ts'

// Reports of runs that are not as most are: each opens without a request, an error or a fault, says what it must, is small and soon there.

const skip = browserMissing()
const dir = makeFolder('odd-reports')
const runs = join(dir, 'runs')
const deciders = ', h.exactDuplicates(), h.nearDuplicates()'
let browser: Browser

before(async () => {
  if (!skip) browser = await openBrowser()
})
after(() => browser?.close())

/** Runs the pipeline of reports over documents. */
async function runOver(name: string, documents: readonly object[], hasRules = true): Promise<void> {
  const input = join(dir, `${name}.jsonl`)
  writeFileSync(input, documents.map(one => `${JSON.stringify(one)}\n`).join(''))
  const file = writePipeline(dir, name, input, deciders)
  if (!hasRules) writeFileSync(file, readFileSync(file, 'utf8').replace(/\.decide\(h\.rules\(.*?\), /, '.decide('))
  await runIt(file, runs)
}

/** Ends a run's life after some commits of a stage, with slots of a tenth of their size. */
async function stopRun(name: string, stage: 'annotate' | 'decide', commits: number): Promise<string[]> {
  const input = writeDocuments(makeFolder(name), 900)
  const args = ['run', writePipeline(dir, name, input, deciders), '--dir', runs, '--workers', '1']
  await runUntilCommit(args, { runDir: join(runs, name), signal: 'SIGKILL', stage, commits })
  return args
}

async function trimRun(name: string, first: number): Promise<void> {
  const { status, err } = await runHeadrace(await stopRun(name, 'decide', 3), undefined, smallSlots)
  assert.equal(status, 0, err)
  const run = join(runs, name)
  await writeTrimmed(run, bindingOf((await readRunFile(run))!), first, () => {})
}

/** A copy of a run of which `run.json` says less. */
async function ageRun(name: string): Promise<void> {
  await runIt(writePipeline(dir, 'young', writeDocuments(dir), deciders), runs)
  await cp(join(runs, 'young'), join(runs, name), { recursive: true })
  const file = join(runs, name, 'run.json')
  const run = JSON.parse(readFileSync(file, 'utf8'))
  for (const segment of run.segments) for (const field of ['reasons', 'columns']) delete segment[field]
  writeFileSync(file, JSON.stringify(run))
}

const million = (part: string) => part.repeat(Math.ceil(1e6 / part.length))
const longLines = [
  ' ',
  'x',
  'a ',
  'the cat ',
  '- ',
  '…',
  '...',
  '{',
  '\n',
  'e\u0301',
  '水',
  hostile,
  '\u202e\u2066',
  '\u001b[31m',
  '</script>',
  '"<!--',
]
const sentence = (i: number) => `Sentence ${i} is not like any other one of the ${i * 7919} that stand here. `
const longText = Array.from({ length: 20_000 }, (_, i) => sentence(i)).join('')

interface Odd {
  readonly name: string
  readonly make: (name: string) => Promise<unknown>
  /** What elements say, by their selectors. */
  readonly says: Readonly<Record<string, RegExp>>
}

const odd: Odd[] = [
  {
    name: 'domains',
    make: name =>
      runOver(
        name,
        Array.from({ length: 4300 }, (_, i) => {
          const domain = i % 50 === 0 ? '__proto__' : i % 51 === 0 ? hostile : `domain-${i}`
          return { id: `d${i}`, domain, text: `a few words ${sentence(i)}` }
        }),
      ),
    says: {
      '#figure-documents b': /^4,300$/,
      '#lost tbody tr:nth-child(1) td': /^__proto__$/,
      '#lost tbody tr:nth-child(1) td + td': /^86$/,
      '#lost tbody tr:nth-child(2) td': /^<\/script><!--<img src=x/,
      '#lost details:first-of-type summary': /^48 more domains, 4,037 left out$/,
      '#what-if .scroll ~ .note': /^and 4,085 others, in ‘all’$/,
    },
  },
  {
    name: 'long-lines',
    make: name =>
      runOver(
        name,
        [
          ...longLines.map((part, i) => ({ id: `d${i}`, domain: part, text: million(part) })),
          ...longLines.map((part, i) => ({
            id: `s${i}`,
            domain: part,
            text: `${longText.slice(0, 1e6)}${million(part)}`,
          })),
          { id: 'first', text: longText },
          { id: 'near', text: longText.replace('Sentence 7000 is not', 'Sentence 7000 was once') },
        ],
        false,
      ),
    says: { '#figure-documents b': /^34$/, '#reasons': /near-duplicate/, '#documents .list': /</ },
  },
  { name: 'nothing', make: name => runOver(name, []), says: { '.note': /^There are no documents: nothing was read/ } },
  {
    name: 'dead',
    make: async name => {
      const input = join(dir, 'dead.jsonl')
      writeFileSync(input, `${hostile.replaceAll('\u2028', '')}\n`.repeat(20))
      await runMain(['run', writePipeline(dir, name, input), '--dir', runs, '--workers', '1'])
    },
    says: { '.note': /^There are no documents/, '#reasons .why': /broken-json/, '#documents pre': /is not valid JSON/ },
  },
  {
    name: 'begun',
    make: name => stopRun(name, 'annotate', 1),
    says: {
      header: /still going/,
      '.note': /^The run has not ended: this is what was decided before slot 0\.$/,
      '#drift': /No slot is decided/,
    },
  },
  {
    name: 'going',
    make: name => stopRun(name, 'decide', 3),
    says: {
      header: /still going/,
      '.note': /^The run has not ended: this is what was decided before slot [1-9]\d*\.$/,
    },
  },
  {
    name: 'older',
    make: ageRun,
    says: {
      '.note': /^This run was begun by an older version/,
      '#what-if': /does not say what decided it/,
      '#documents .list': /near-duplicate/,
    },
  },
  {
    name: 'trimmed',
    make: name => trimRun(name, 2),
    says: {
      '.note': /^Slots before 2 were trimmed/,
      '#proof': /^All \d+ fates were recomputed/,
      '#documents .list': /near-duplicate/,
    },
  },
]

/** Bytes of a page, and milliseconds until it is written and until it is ready. */
const bounds = { bytes: 1.5e6, write: 10_000, open: 5000 }

/** Figures that are none, and signs that steer terminals or turn the order of reading. */
const unsound = /NaN|undefined|Infinity|[^\P{Cc}\n]|[\p{Zl}\p{Bidi_Control}]/u

const textOf = (page: Page, selector: string) =>
  page.$eval(selector, element => (element as unknown as { textContent: string }).textContent)

for (const { name, make, says } of odd)
  test(`${name}: it is written and opens, and says what it must`, { skip }, async () => {
    await make(name)
    const file = join(dir, `${name}.html`)
    const started = performance.now()
    const { status, err } = await runMain(['report', '--dir', runs, '--run', name, '--html', file])
    const written = performance.now()
    assert.deepEqual([status, err], [0, ''])
    const { page, said } = await openFile(browser, file, { width: 420 })
    const times = [written - started, performance.now() - written]
    for (const [selector, what] of Object.entries(says)) assert.match(await textOf(page, selector), what, selector)
    assert.deepEqual(await findFaults(page), [])
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 420)
    assert.equal(unsound.exec(await textOf(page, 'main'))?.[0], undefined)
    assert.deepEqual(said, [])
    assert.deepEqual(await page.evaluate('[document.images.length, document.scripts.length]'), [0, 2])
    assert.ok(statSync(file).size <= bounds.bytes, `${statSync(file).size} bytes`)
    assert.ok(times[0] <= bounds.write && times[1] <= bounds.open, `${times} ms`)
  })
