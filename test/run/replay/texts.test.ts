import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { encodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { numbers } from '../../../src/batch/batch.ts'
import { takeRows } from '../../../src/batch/rows.ts'
import * as h from '../../../src/index.ts'
import { readFates } from '../../../src/inspect/fates.ts'
import type { Log } from '../../../src/log/log.ts'
import type { StoredText } from '../../../src/pipeline/pipeline.ts'
import { type Plan, planPipeline } from '../../../src/pipeline/plan.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import { textBytesOf } from '../../../src/record/scored.ts'
import type { ReplayOptions } from '../../../src/run/options.ts'
import { verifyRun } from '../../../src/verify/verify.ts'
import { runMain } from '../../cli/terminal.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { sweep, sweepOf } from '../../sweep.ts'
import { makeFolder } from '../../temporary.ts'
import { crashing, hashOutput, writeCorpus } from '../fixture.ts'
import { runWhole } from './whole-run.ts'

// Replays of runs that store no texts, and by pipelines that store none: what a run gives, with the source read where a text is wanted.
setLimits({ slotBytes: 8 * 1024, shardTokensMax: 4000, shardSlotsMax: 4 })

let corpus: string
let bases: Record<StoredText, string>
before(async () => {
  corpus = (await writeCorpus({ seed: 5, files: 2, documentsPerFile: 7 })).dir
  const texts = ['all', 'kept', 'none'] as const
  const dirs = texts.map(name => join(makeFolder(name), 'run'))
  for (const [i, text] of texts.entries()) await runWhole(dirs[i], planOf({}, text))
  const [all, kept, none] = dirs
  bases = { all, kept, none }
})

/** A measure that reads no text. */
const ratio: h.Annotator = {
  name: 'ratio',
  version: 1,
  exact: true,
  options: {},
  reads: ['gopherWords'],
  writes: [{ name: 'ratio', kind: 'f64' }],
  resources: [],
  rules: [],
  annotate: batch => ({ ratio: { kind: 'f64', values: Float64Array.from(numbers(batch, 'gopherWords')) } }),
}

/** An editor that may answer otherwise each time. */
const judge: h.Annotator = {
  name: 'judge',
  version: 1,
  exact: false,
  options: {},
  reads: ['text'],
  writes: [{ name: 'text', kind: 'utf8' }],
  resources: [],
  rules: [],
  annotate: ({ columns: { text } }) => ({ text }),
}

interface Parts {
  readonly annotate?: Parameters<ReturnType<typeof h.pipeline>['annotate']>
  readonly similarity?: number
  readonly rules?: ReturnType<typeof h.rules>
  readonly tokenizer?: Parameters<ReturnType<typeof h.pipeline>['tokenize']>[0]
}
const first = (wordsMin = 200) =>
  [h.normalize(), h.gopherQuality(), h.gate({ gopherWords: { below: wordsMin } })] as const

function planOf({ annotate, similarity = 0.8, rules = h.rules(), tokenizer = 'gpt2' }: Parts, text: StoredText): Plan {
  return planPipeline(
    h
      .pipeline('p')
      .from(h.jsonl(join(corpus, '*.jsonl')))
      .annotate(...(annotate ?? [...first(), h.maskPii(), h.signature()]))
      .decide(rules, h.exactDuplicates(), h.nearDuplicates({ similarity }))
      .tokenize(tokenizer)
      .feed({ length: 64, batch: 2 })
      .store({ text }),
  )
}

const kinds: Readonly<Record<string, Parts>> = {
  'a rule': { rules: h.rules({ gopherWords: { above: 500, reason: 'far-too-long' } }) },
  "a decider's similarity": { similarity: 0.95 },
  'an annotator that reads no text': { annotate: [...first(), h.maskPii(), h.signature(), ratio] },
  'an annotator that reads text': { annotate: [...first(), h.maskPii(), h.signature(), h.c4()] },
  'a text edit first in line': { annotate: [h.c4({ citations: false }), ...first(), h.maskPii(), h.signature()] },
  'a text edit last in line': { annotate: [...first(), h.maskPii({ emails: false }), h.signature()] },
  'a gate loosened': { annotate: [...first(120), h.maskPii(), h.signature()] },
  'the tokenizer': { tokenizer: 'cl100k_base' },
}

/** What comes out, and what is stored of each slot; texts, or those that were kept, where `text` says so. */
async function outcomeOf(dir: string, text: StoredText) {
  await using run = await RunReader.open(dir)
  const slots: string[] = []
  for await (const { slot, scored } of run.slots()) {
    const { text: texts, ...others } = takeRows(scored, [...Array(scored.rows).keys()]).columns
    const { 'text.bytes': lengths, ...columns } = others
    const measured = encodeBatch({ rows: scored.rows, columns: text === 'all' ? { ...columns, texts } : columns })
    const kept = text === 'none' ? null : await run.kept(slot)
    const keptTexts = kept?.rows && encodeBatch({ rows: kept.rows, columns: { text: kept.columns.text } })
    const sums = [measured, ...(keptTexts ? [keptTexts] : [])].map(bytes => hash('sha256', bytes))
    slots.push(`${slot} ${Array.from(textBytesOf(scored))} ${sums}`)
  }
  return { slots, files: await hashOutput(dir), fates: await Array.fromAsync(readFates(run)) }
}

async function checkSound(dir: string): Promise<void> {
  await using run = await RunReader.open(dir)
  const { checks } = await verifyRun(run, { steps: 4 })
  assert.deepEqual(
    checks.flatMap(check => check.problems.map(problem => problem.what)),
    [],
  )
}

const full = new Map<string, Promise<string>>()
/** A run of one kind of change over the input, which stores its texts. */
function runFull(kind: string): Promise<string> {
  const run = async () => {
    const dir = join(makeFolder('full'), 'run')
    await runWhole(dir, planOf(kinds[kind], 'all'))
    return dir
  }
  const known = full.get(kind) ?? run()
  full.set(kind, known)
  return known
}

async function replay(of: string, parts: Parts, text: StoredText, options: Partial<ReplayOptions> = {}) {
  const dir = join(makeFolder('replay'), 'run')
  await runWhole(dir, planOf(parts, text), { replay: { of, ...options } })
  return dir
}

/** What the two runs store. Each kind is replayed by the first, and by one of the others. */
type Pair = readonly [from: StoredText, to: StoredText, isCopy: boolean]
const always: Pair = ['none', 'none', false]
const others: readonly Pair[] = [
  ['none', 'all', false],
  ['all', 'none', false],
  ['none', 'none', true],
  ['all', 'none', true],
]
/** The same of texts of kept documents. */
const withKept: readonly Pair[] = [
  ['all', 'kept', false],
  ['none', 'kept', false],
  ['kept', 'none', false],
  ['kept', 'all', false],
  ['kept', 'kept', true],
  ['all', 'kept', true],
]
const keptAlways: Pair = ['kept', 'kept', false]
for (const [i, kind] of sweepOf([...Object.keys(kinds).entries()]))
  for (const [from, to, isCopy] of [always, others[i % others.length], keptAlways, withKept[i % withKept.length]])
    test(`${kind} changed, texts ${from} then ${to}${isCopy ? ', copied' : ''}: what a run gives`, async () => {
      const expected = await runFull(kind)
      const dir = await replay(bases[from], kinds[kind], to, { isCopy })
      assert.deepEqual(await outcomeOf(dir, to), await outcomeOf(expected, to))
      await checkSound(dir)
      assert.deepEqual(await readdir(join(dir, 'texts')).catch(() => []), [])
      assert.deepEqual(await shownOf(dir), await shownOf(expected))
    })

/** What `diff` against the first run and `what-if` say, but of how many texts `diff` knows. */
async function shownOf(dir: string): Promise<string[]> {
  const shown = await Promise.all([
    runMain(['diff', bases.all, dir, '--by', 'reason', '--json']),
    runMain(['what-if', dir, '--rule', 'gopherWords.below=230', '--by', 'domain', '--json']),
  ])
  return shown.map(({ out }) => out.replaceAll(dir, 'DIR').replace(/"unknownTexts":\d+/, ''))
}

test('of a replay that stores none, of one that stores some by the run that it is of: what a run gives', async () => {
  for (const from of ['all', 'none'] as const) {
    const between = await replay(bases[from], kinds['an annotator that reads no text'], 'none')
    for (const [to, isCopy] of [
      ['all', false],
      ['none', false],
      ['none', true],
    ] as const) {
      const dir = await replay(between, kinds['a text edit last in line'], to, { isCopy })
      const expected = await outcomeOf(await runFull('a text edit last in line'), to)
      assert.deepEqual(await outcomeOf(dir, to), expected, `${from}, none, ${to}`)
      await checkSound(dir)
    }
  }
})

test('of a run whose texts are still there, as it was stopped: what a run gives', async () => {
  const of = join(makeFolder('stopped'), 'run')
  const view = (log: Log): Log => ({
    ...crashing(log, Number.POSITIVE_INFINITY, false),
    own: stage => (stage === 'shard' ? Promise.reject(new Error('stopped')) : log.own(stage)),
  })
  await assert.rejects(runWhole(of, planOf({}, 'none'), { view }), /stopped/)
  assert.ok((await readdir(join(of, 'texts'))).length > 3)
  for (const kind of ['a rule', 'an annotator that reads no text', 'a text edit last in line']) {
    const dir = await replay(of, kinds[kind], 'none')
    assert.deepEqual(await outcomeOf(dir, 'none'), await outcomeOf(await runFull(kind), 'none'), kind)
    await checkSound(dir)
  }
})

test('texts are not stored: neither in what is its own, nor again where the other run has them', async () => {
  const bytesOf = async (dir: string) => {
    const journal = join(dir, 'log', 'annotate')
    const files = (await readdir(journal)).filter(name => name.endsWith('.journal'))
    return (await Promise.all(files.map(file => readFile(join(journal, file))))).reduce(
      (sum, one) => sum + one.length,
      0,
    )
  }
  const edited = kinds['a text edit first in line']
  const between = await replay(bases.all, edited, 'all')
  const [whole, none, again, same] = await Promise.all([
    bytesOf(between),
    replay(bases.all, edited, 'none').then(bytesOf),
    replay(between, edited, 'none').then(bytesOf),
    replay(bases.all, {}, 'none').then(bytesOf),
  ])
  assert.ok(none < 0.8 * whole && again < 0.8 * whole && same < 0.3 * whole, `${[whole, none, again, same]}`)
})

/** Does something with the input away, and brings it back. */
async function withoutInput<T>(work: () => Promise<T>): Promise<T> {
  await rename(corpus, `${corpus}-away`)
  try {
    return await work()
  } finally {
    await rename(`${corpus}-away`, corpus)
  }
}

/** What needs no text that is not stored: all that is kept has tokens. */
const needless: Readonly<Record<string, Parts>> = {
  'nothing but what is fed': {},
  'a rule that keeps fewer': { rules: h.rules({ gopherWords: { above: 300, reason: 'far-too-long' } }) },
  'an annotator that reads no text': kinds['an annotator that reads no text'],
}
for (const [what, parts] of sweepOf(Object.entries(needless)))
  test(`${what} changed: the source is not read`, async () => {
    const dir = await withoutInput(() => replay(bases.none, parts, 'none'))
    const full = await replay(bases.all, parts, 'all')
    assert.deepEqual((await outcomeOf(dir, 'none')).files, (await outcomeOf(full, 'none')).files)
  })

for (const [what, parts] of Object.entries({ ...needless, 'the tokenizer': kinds['the tokenizer'] }))
  test(`${what} changed, texts of kept documents stored: the source is not read`, async () => {
    const full = await replay(bases.all, parts, 'all')
    for (const to of ['kept', 'none'] as const) {
      const dir = await withoutInput(() => replay(bases.kept, parts, to))
      assert.deepEqual((await outcomeOf(dir, to)).files, (await outcomeOf(full, 'none')).files)
    }
  })

/** Replays while a file of the input is another. */
async function withOtherInput(work: () => Promise<unknown>): Promise<void> {
  const file = join(corpus, 'part-0.jsonl')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('the', 'tha'))
  try {
    await work()
  } finally {
    await writeFile(file, text)
  }
}

const refused: readonly [what: string, code: string, message: RegExp, attempt: () => Promise<unknown>][] = [
  [
    'input that is gone, where a text is to be stored',
    'source-changed',
    /part-0.jsonl and 1 more, of 2 that this run has met, can't be found/,
    () => withoutInput(() => replay(bases.none, {}, 'all')),
  ],
  [
    'input that is gone, where a document has no tokens yet',
    'source-changed',
    /part-0.jsonl and 1 more, of 2 that this run has met, can't be found/,
    () => withoutInput(() => replay(bases.none, kinds['the tokenizer'], 'none')),
  ],
  [
    'input that changed, where a document has no tokens yet',
    'source-changed',
    /part-0.jsonl changed since/,
    () => withOtherInput(() => replay(bases.none, kinds['the tokenizer'], 'none')),
  ],
  [
    'input that changed, where texts of kept documents are to be stored and were not',
    'source-changed',
    /part-0.jsonl changed since/,
    () => withOtherInput(() => replay(bases.none, {}, 'kept')),
  ],
  [
    'input that changed, where a document is kept that was not',
    'source-changed',
    /part-0.jsonl changed since/,
    async () => {
      const fewer = await replay(bases.kept, needless['a rule that keeps fewer'], 'kept')
      await withOtherInput(() => replay(fewer, {}, 'kept'))
    },
  ],
  [
    'an inexact editor, whose texts are gone',
    'bad-pipeline',
    /'judge' may answer otherwise each time, .* add --recompute judge/,
    async () => {
      const judged = { annotate: [h.normalize(), judge, h.signature()] } as Parts
      const of = join(makeFolder('judged'), 'run')
      await runWhole(of, planOf(judged, 'none'))
      await replay(of, { ...judged, similarity: 0.5 }, 'none')
    },
  ],
]
for (const [what, code, message, attempt] of refused)
  test(`${what}: refused`, async () => {
    await assert.rejects(attempt(), error => {
      assert.match((error as Error).message, message)
      return (error as { code?: string }).code === code
    })
  })

test('what is read again is told, and shown before', async () => {
  const notes: string[] = []
  const note = (text: string) => notes.push(text)
  await replay(bases.none, { similarity: 0.95 }, 'none', { note })
  await replay(bases.none, { similarity: 0.95 }, 'all', { note })
  await replay(bases.all, { similarity: 0.95 }, 'none', { note })
  assert.match(notes[0], /^texts of documents that have no tokens yet are not stored: these are read from the source/)
  assert.match(notes[1], /^records are read from the source again: text as it came in is not stored, and /)
  assert.equal(notes.length, 2)
})

test('crashed at every commit, it goes on to the same bytes', async () => {
  const expected = await outcomeOf(await runFull('a gate loosened'), 'none')
  const late = await outcomeOf(await runFull('the tokenizer'), 'none')
  for (const [kind, outcome] of [
    ['a gate loosened', expected],
    ['the tokenizer', late],
  ] as const)
    for (const fatal of sweep(1, 4)) {
      const dir = join(makeFolder('crashed'), 'run')
      const again = { of: bases.none }
      const plan = planOf(kinds[kind], 'none')
      const view = (log: Log) => crashing(log, fatal, fatal % 2 === 0)
      await assert.rejects(runWhole(dir, plan, { replay: again, view }), /crash/)
      await runWhole(dir, plan, { replay: again })
      assert.deepEqual(await outcomeOf(dir, 'none'), outcome, `${kind}, commit ${fatal}`)
    }
})

test('crashed at every commit, texts of kept documents stored by both: the same bytes', async () => {
  const kind = "a decider's similarity"
  const outcome = await outcomeOf(await runFull(kind), 'kept')
  for (const base of [bases.kept, bases.none])
    for (const fatal of sweep(1, 5)) {
      const dir = join(makeFolder('crashed'), 'run')
      const plan = planOf(kinds[kind], 'kept')
      const view = (log: Log) => crashing(log, fatal, fatal % 2 === 0)
      await assert.rejects(runWhole(dir, plan, { replay: { of: base }, view }), /crash/)
      await runWhole(dir, plan, { replay: { of: base } })
      assert.deepEqual(await outcomeOf(dir, 'kept'), outcome, `commit ${fatal}`)
      await checkSound(dir)
    }
})
