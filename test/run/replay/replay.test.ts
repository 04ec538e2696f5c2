import assert from 'node:assert/strict'
import { appendFile, copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Utf8Column } from '../../../src/batch/batch.ts'
import { listFiles } from '../../../src/disk/files.ts'
import { HeadraceError } from '../../../src/errors.ts'
import * as h from '../../../src/index.ts'
import { readFates } from '../../../src/inspect/fates.ts'
import { type Plan, planPipeline } from '../../../src/pipeline/plan.ts'
import { findReferrers } from '../../../src/record/referrers.ts'
import { readRunFile } from '../../../src/record/run-file.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import type { RunEvent } from '../../../src/run/events.ts'
import type { ReplayOptions } from '../../../src/run/options.ts'
import { verifyRun } from '../../../src/verify/verify.ts'
import { runMain } from '../../cli/terminal.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { sweep, sweepOf } from '../../sweep.ts'
import { makeFolder } from '../../temporary.ts'
import { crashing, hashOutput, writeCorpus } from '../fixture.ts'
import { runWhole } from './whole-run.ts'

// A replay of a changed pipeline gives, byte for byte, what a run of it gives, whatever was changed, and says what it measured.
setLimits({ slotBytes: 12 * 1024, shardTokensMax: 4000, shardSlotsMax: 4 })

let glob: string
let base: string
before(async () => {
  const corpus = await writeCorpus({ seed: 5, files: 3, documentsPerFile: 16 })
  // Slots without one document, too.
  await writeFile(join(corpus.dir, 'part-broken.jsonl'), `{"text": "cut off ${'x'.repeat(200)}\n`.repeat(120))
  glob = join(corpus.dir, '*.jsonl')
  base = join(makeFolder('base'), 'run')
  await runWhole(base, planOf({}))
})

interface Parts {
  readonly name?: string
  readonly files?: string
  readonly source?: Parameters<typeof h.jsonl>[1]
  readonly annotate?: Parameters<ReturnType<typeof h.pipeline>['annotate']>
  readonly decide?: Parameters<ReturnType<typeof h.pipeline>['decide']>
  readonly tokenizer?: Parameters<ReturnType<typeof h.pipeline>['tokenize']>[0]
  readonly feed?: Partial<Parameters<ReturnType<typeof h.pipeline>['feed']>[0]>
}

const longEnough = (wordsMin: number) => h.gate({ gopherWords: { below: wordsMin } })
const first = () => [h.normalize(), h.gopherQuality(), longEnough(200)] as const
const last = () => [h.c4(), h.maskPii(), h.signature()] as const
const similar = (similarity: number) =>
  [h.exactDuplicates(), h.nearDuplicates({ similarity }), h.holdout({ rate: 0.05 })] as const

/** The pipeline, with what is changed of it. */
function planOf({ name = 'base', files = glob, source = {}, annotate, decide, tokenizer = 'gpt2', feed }: Parts): Plan {
  const annotators = annotate ?? [...first(), ...last()]
  return planPipeline(
    h
      .pipeline(name)
      .from(h.jsonl(files, source))
      .annotate(...annotators)
      .decide(...(decide ?? [h.rules(), ...similar(0.8)]))
      .tokenize(tokenizer)
      .feed({ length: 64, batch: 2, ...feed }),
  )
}

/** A measure that counts how many documents it is asked for. */
function counting(version = 1) {
  const asked: string[] = []
  const lengths: h.Annotator = {
    name: 'lengths',
    version,
    exact: true,
    options: {},
    reads: ['text', 'id'],
    writes: [{ name: 'lengths', kind: 'f64' }],
    resources: [],
    rules: [{ reason: 'too-long', column: 'lengths', above: 3000 }],
    annotate: batch => {
      const { text, id } = batch.columns as { text: Utf8Column; id: Utf8Column }
      const at = (column: Utf8Column, row: number) =>
        column.bytes.subarray(column.offsets[row], column.offsets[row + 1])
      for (let row = 0; row < batch.rows; row++) asked.push(Buffer.from(at(id, row)).toString())
      return {
        lengths: { kind: 'f64', values: Float64Array.from({ length: batch.rows }, (_, row) => at(text, row).length) },
      }
    },
  }
  return { lengths, asked }
}

const kinds: Readonly<Record<string, Parts>> = {
  'nothing but the name': {},
  'a looser threshold': { decide: [h.rules({ c4Sentences: { below: 4 } }), ...similar(0.8)] },
  'a tighter threshold': { decide: [h.rules({ gopherMeanWordLength: { above: 4.7 } }), ...similar(0.8)] },
  'thresholds given as options': {
    annotate: [
      h.normalize(),
      h.gopherQuality({ stopWordsMin: 3 }),
      longEnough(200),
      h.c4({ sentencesMin: 4 }),
      ...last().slice(1),
    ],
  },
  'a rule added': { decide: [h.rules({ gopherWords: { above: 500, reason: 'far-too-long' } }), ...similar(0.8)] },
  'an annotator added': { annotate: [...first(), ...last(), counting().lengths] },
  'an annotator added before a gate': {
    annotate: [h.normalize(), counting().lengths, h.gopherQuality(), longEnough(200), ...last()],
  },
  'an annotator taken out': { annotate: [...first(), h.c4(), h.signature()] },
  'an option of an annotator': {
    annotate: [h.normalize(), h.gopherQuality({ stopWords: ['the', 'of'] }), longEnough(200), ...last()],
  },
  'a text edit first in line': { annotate: [h.c4({ citations: false }), ...first(), h.maskPii(), h.signature()] },
  'a text edit last in line': { annotate: [...first(), h.c4(), h.signature(), h.maskPii({ emails: false })] },
  'a gate moved': { annotate: [h.normalize(), h.gopherQuality(), h.c4(), longEnough(200), h.maskPii(), h.signature()] },
  'a gate loosened': { annotate: [h.normalize(), h.gopherQuality(), longEnough(120), ...last()] },
  'a gate tightened': { annotate: [h.normalize(), h.gopherQuality(), longEnough(400), ...last()] },
  'a gate taken out': { annotate: [h.normalize(), h.gopherQuality(), ...last()] },
  'the tokenizer': { tokenizer: 'cl100k_base' },
  "a decider's similarity": { decide: [h.rules(), ...similar(0.5)] },
  'a decider taken out': { decide: [h.rules(), h.exactDuplicates()] },
  'the mixture': { feed: { mixture: { d0: 3, d1: 1 }, dry: 'repeat' } },
  'how the source makes documents': { source: { domain: 'id' } },
}

async function outcomeOf(dir: string) {
  await using run = await RunReader.open(dir)
  return { files: await hashOutput(dir), fates: await Array.fromAsync(readFates(run)) }
}

async function checkSound(dir: string): Promise<void> {
  await using run = await RunReader.open(dir)
  const { checks } = await verifyRun(run, { steps: 4 })
  assert.deepEqual(
    checks.flatMap(check => check.problems.map(problem => problem.what)),
    [],
  )
}

for (const [what, parts] of sweepOf(Object.entries(kinds)))
  test(`${what} changed: a replay gives what a run gives`, async () => {
    const plan = () => planOf({ name: 'changed', ...parts })
    const [full, replayed] = ['full', 'replayed'].map(name => join(makeFolder(name), 'run'))
    await runWhole(full, plan())
    await runWhole(replayed, plan(), { replay: { of: base } })
    assert.deepEqual(await outcomeOf(replayed), await outcomeOf(full))
    await checkSound(replayed)
    if (shownKinds.includes(what)) assert.deepEqual(await shownOf(replayed), await shownOf(full))
  })

/** Kinds of a slot's entry: one that only refers, one with columns of its own, with rows, with texts. */
const shownKinds = ['a rule added', 'an annotator added', 'a text edit last in line', 'how the source makes documents']

/** What `diff` against the base and `what-if` say of a run. */
async function shownOf(dir: string) {
  const shown = await Promise.all([
    runMain(['diff', base, dir, '--by', 'reason', '--samples', '3', '--json']),
    runMain(['what-if', dir, '--rule', 'gopherWords.below=180', '--samples', '3', '--json']),
  ])
  assert.deepEqual(
    shown.map(({ status }) => status > 1),
    [false, false],
    shown.map(({ err }) => err).join(''),
  )
  return shown.map(({ out }) => out.replaceAll(dir, 'DIR'))
}

const replayed = async (parts: Parts, options: Partial<ReplayOptions> = {}) => {
  const dir = join(makeFolder('replayed'), 'run')
  await runWhole(dir, planOf(parts), { replay: { of: base, ...options } })
  return dir
}
const logBytes = async (dir: string) =>
  (
    await Promise.all(
      (await listFiles(join(dir, 'log', 'annotate'))).map(file => stat(join(dir, 'log', 'annotate', file))),
    )
  ).reduce((sum, { size }) => sum + size, 0)

test('an annotator is asked for the rows alone that it has not measured', async () => {
  const [at, again] = [counting(), counting()]
  const measured = join(makeFolder('measured'), 'run')
  const steps = (lengths: h.Annotator, wordsMin: number) => [
    h.normalize(),
    h.gopherQuality(),
    longEnough(wordsMin),
    lengths,
    h.signature(),
  ]
  await runWhole(measured, planOf({ annotate: steps(at.lengths, 400) }))
  await replayed({ annotate: steps(again.lengths, 300) }, { of: measured })
  const before = new Set(at.asked)
  const fresh = counting()
  await runWhole(join(makeFolder('fresh'), 'run'), planOf({ annotate: steps(fresh.lengths, 300) }))
  assert.deepEqual(again.asked.sort(), fresh.asked.filter(id => !before.has(id)).sort())
  assert.ok(again.asked.length > 0 && before.size > 0)
})

test('what holds is not stored again, and --copy stores it', async () => {
  const [rules, rows, copy] = await Promise.all([
    replayed({ decide: [h.rules(), ...similar(0.5)] }),
    replayed({ annotate: [...first(), ...last(), h.density()] }),
    replayed({ decide: [h.rules(), ...similar(0.5)] }, { isCopy: true }),
  ])
  const [whole, ofRules, ofRows, ofCopy] = await Promise.all([base, rules, rows, copy].map(logBytes))
  assert.ok(ofRules < whole / 8 && ofRows < whole / 3 && ofCopy > whole * 0.8, `${[whole, ofRules, ofRows, ofCopy]}`)
  await rm(base, { recursive: true, maxRetries: 0 }).then(() => runWhole(base, planOf({})))
  await checkSound(copy)
  await assert.rejects(RunReader.open(rules), {
    code: 'not-found',
    message: /refers to the rows of .*another run is there/,
  })
})

test('a replay of a replay refers to the first run alone', async () => {
  const more = [...first(), ...last(), counting().lengths]
  const between = await replayed({ annotate: more })
  const dir = await replayed({ annotate: more, decide: [h.rules(), ...similar(0.5)] }, { of: between })
  const full = join(makeFolder('full'), 'run')
  await runWhole(full, planOf({ annotate: more, decide: [h.rules(), ...similar(0.5)] }))
  await rm(between, { recursive: true })
  assert.deepEqual(await outcomeOf(dir), await outcomeOf(full))
  await checkSound(dir)
  assert.deepEqual((await findReferrers(base, (await readRunFile(base))!.id)).includes(dir), true)
})

test('some slots are replayed, and those before are empty', async () => {
  const dir = await replayed({}, { from: 2, to: 4 })
  const all = (await outcomeOf(base)).fates.filter(({ slot }) => slot >= 2 && slot < 4)
  assert.deepEqual(
    (await outcomeOf(dir)).fates.map(({ slot, row, id }) => [slot, row, id]),
    all.map(({ slot, row, id }) => [slot, row, id]),
  )
  await checkSound(dir)
})

test('records that an annotator failed on are measured again by another', async () => {
  const failing: h.Annotator = {
    ...counting().lengths,
    name: 'failing',
    annotate: batch => {
      const { id } = batch.columns as { id: Utf8Column }
      const names = Array.from({ length: batch.rows }, (_, row) =>
        Buffer.from(id.bytes.subarray(id.offsets[row], id.offsets[row + 1])).toString(),
      )
      if (names.some(name => name.endsWith('7'))) throw new Error('seven')
      return { lengths: { kind: 'f64', values: new Float64Array(batch.rows) } }
    },
  }
  const failed = join(makeFolder('failed'), 'run')
  await runWhole(failed, planOf({ annotate: [h.normalize(), failing, h.signature()] }))
  const cases = {
    'the same fails again': [h.normalize(), failing, h.signature(), h.c4()],
    'another does not': [h.normalize(), h.signature()],
  }
  for (const [what, annotate] of Object.entries(cases)) {
    const full = join(makeFolder('full'), 'run')
    const dir = await replayed({ annotate }, { of: failed })
    await runWhole(full, planOf({ annotate }))
    assert.deepEqual(await outcomeOf(dir), await outcomeOf(full), what)
  }
})

test('slots that were cut as files came are not taken for others', async () => {
  const dir = makeFolder('growing')
  const files = join(dir, '*.jsonl')
  const [first, second] = (await readdir(join(glob, '..'))).sort().map(name => join(glob, '..', name))
  // More than a slot, so that the second file's come between those of the first where both are there.
  for (let i = 0; i < 3; i++) await appendFile(join(dir, 'first.jsonl'), await readFile(first))
  const [of, drain] = [join(makeFolder('of'), 'run'), new AbortController()]
  let loaded = 0
  const watch = ({ kind }: RunEvent) => kind === 'loaded' && ++loaded === 2 && drain.abort()
  await runWhole(of, planOf({ files }), { drain: drain.signal, watch })
  await copyFile(second, join(dir, 'second.jsonl'))
  await runWhole(of, planOf({ files }))
  await assert.rejects(replayed({ files, source: { domain: 'id' } }, { of }), {
    code: 'source-changed',
    message: /other records .* was row \d+ of its slot and .* is now; run the pipeline over the input as another run/,
  })
})

test('where another stage has failed, a slot that was begun fails unheard', async () => {
  const failure = new AbortController()
  const unable: h.Annotator = {
    ...counting().lengths,
    annotate: () => {
      throw new HeadraceError('disk', 'the model is gone')
    },
  }
  const dir = join(makeFolder('failed'), 'run')
  const watch = ({ kind }: RunEvent) => kind === 'loaded' && failure.abort(new Error('another stage'))
  const changed = planOf({ annotate: [...first(), ...last(), unable] })
  await assert.rejects(runWhole(dir, changed, { replay: { of: base }, failed: failure.signal, watch }), /another stage/)
  await turn()
})

test('crashed at every commit, a replay goes on to the same bytes', async () => {
  const parts: Parts = { annotate: [h.normalize(), h.gopherQuality(), longEnough(120), ...last()] }
  const expected = await outcomeOf(await replayed(parts))
  for (const isAfter of [false, true])
    for (const fatal of sweep(0, 12)) {
      const dir = join(makeFolder('crashed'), 'run')
      const replay = { of: base }
      await assert.rejects(
        runWhole(dir, planOf(parts), { replay, view: log => crashing(log, fatal, isAfter) }),
        /crash/,
      )
      await runWhole(dir, planOf(parts), { replay })
      assert.deepEqual(await outcomeOf(dir), expected, `commit ${fatal}${isAfter ? ', after it lasted' : ''}`)
    }
})
