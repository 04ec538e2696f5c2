import assert from 'node:assert/strict'
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { before, test } from 'node:test'
import { setTimeout as nextTurn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { loadPlan, referTo } from '../../src/cli/load-plan.ts'
import type { FeedSettings } from '../../src/feed/options.ts'
import { type BlockSpec, listSamples } from '../../src/feed/plan/blocks.ts'
import { Planner } from '../../src/feed/plan/planner.ts'
import { limits } from '../../src/limits.ts'
import type { Pipeline } from '../../src/pipeline/pipeline.ts'
import { Progress } from '../../src/run/progress.ts'
import { runPipeline } from '../../src/run/run.ts'
import { randomFrom } from '../random.ts'
import { makeText, writeCorpus } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { checkSlots, type Expected, expectRun, type OracleLimits } from './oracle.ts'
import { type ActualRun, readActual, readBlockHashes, slotsOf } from './oracle-actual.ts'
import { compareRun } from './oracle-compare.ts'
import type { ExpectedFate } from './oracle-fates.ts'
import { cutSlots, type InputFile } from './oracle-slots.ts'
import { type Control, planFeed } from './oracle-steps.ts'

// Real runs in this process, with limits so small that little input makes many slots and shards, held against the oracle; then results
// that were falsified, which it must find.
const seed = Math.floor(Math.random() * 2 ** 31)
console.log(`seed ${seed}`)

const small = { slotBytes: 24 * 1024, documentBytesMax: 64 * 1024, shardTokensMax: 4000, shardSlotsMax: 5 }
Object.assign(limits, small)
const oracleLimits: OracleLimits = { ...limits, blockSlotsMax: 16_384 }

interface Case {
  /** The module's text after the source. */
  readonly steps: string
  readonly controls?: readonly Control[]
}

const cases: Record<string, Case> = {
  deciders: {
    steps: `.annotate(h.normalize(), h.gopherQuality(), h.gate({ gopherWords: { below: 150 } }), h.signature(), h.maskPii())
      .decide(h.rules({ gopherWords: { above: 650, reason: 'chatty' } }), h.exactDuplicates(),
        h.nearDuplicates({ scope: 'domain' }), h.balance({ rates: { d0: 0.7 }, seed: 3 }), h.holdout({ rate: 0.1 }))
      .tokenize('gpt2').feed({ length: 100, batch: 3, seed: 7, blockTokens: 10000 })`,
  },
  mixture: {
    steps: `.annotate(h.signature()).decide(h.nearDuplicates({ similarity: 0.6 }), h.holdout({ rate: 0.2 }))
      .tokenize('gpt2').feed({ length: 128, batch: 4, mixture: { d0: 5, holdout: 2, d2: 0.5 }, packing: 'best-fit',
        blockTokens: 9000 })`,
    controls: [
      { step: 12, mixture: null },
      { step: 20, mixture: { d0: 1, d2: 1 } },
      { step: 15, batch: 2 },
    ],
  },
  picky: {
    steps: `.annotate({ name: 'picky', version: 1, exact: true, options: {}, reads: ['text'], resources: [],
        writes: [{ name: 'letters', kind: 'u32' }], rules: [{ reason: 'many-letters', column: 'letters', above: 4000 }],
        annotate(batch) {
          const { offsets } = h.utf8(batch, 'text')
          const letters = Uint32Array.from({ length: batch.rows }, (_, row) => offsets[row + 1] - offsets[row])
          if (letters.some(count => count % 9 === 0)) throw new Error('nine')
          return { letters: { kind: 'u32', values: letters } }
        } }, h.gopherQuality())
      .decide(h.rules({ gopherWords: { below: 200 }, gopherMeanWordLength: { above: 4.25 }, domain: { noneOf: ['d2'] } }))
      .tokenize('gpt2', { endOfText: false }).feed({ length: 64, batch: 4 })`,
  },
}

let inputs: InputFile[]
let corpusDir: string
const judged = new Map<string, Promise<Judged>>()

interface Judged {
  readonly pipeline: Pipeline
  readonly expected: Expected
  readonly actual: ActualRun
}

before(async () => {
  corpusDir = (await writeCorpus({ seed, files: 5, documentsPerFile: 30 })).dir
  await appendFile(join(corpusDir, 'part-1.jsonl'), oddLines().join('\n'))
  const text = `{"text": "the first of a file with a mark"}\n${await readFile(join(corpusDir, 'part-3.jsonl'), 'utf8')}`
  await writeFile(join(corpusDir, 'marked.jsonl'), `\ufeff${text.slice(0, 9000)}`)
  await writeFile(join(corpusDir, 'packed.jsonl'), gzipSync(text))
  inputs = await readInputs(corpusDir)
})

/** Every kind of line that is no document, and some that only look like it. The last has no newline. */
function oddLines(): string[] {
  const text = makeText(randomFrom(seed), 30)
  const copied = makeText(randomFrom(seed + 1), 40)
  const deep = '['.repeat(70) + ']'.repeat(70)
  const copies = [copied, copied, `${copied} One more line.`]
  return [
    ...copies.map((text, i) => JSON.stringify({ text, id: `copy-${i}`, domain: 'd1' })),
    ...[
      '',
      ' \t\r',
      '[]',
      '7',
      '{"id": 1}',
      '{"text": 5}',
      '{"text": ""}',
      '{"text": "a\\u0000"}',
      '{"text": "\\ud800"}',
      '{"text": "a\\ud800b\\r\\nc", "url": [1]}',
    ],
    ...[
      JSON.stringify({ text, id: [1] }),
      JSON.stringify({ text, id: null, domain: 3 }),
      `{"text": "y", "deep": ${deep}}`,
    ],
    ...[`{"text": "x", "id": 12345678901234567890}`, JSON.stringify({ text: text.repeat(12) })],
    ...[JSON.stringify({ text: text.repeat(60) }), JSON.stringify({ text: `${text} 文字 \u{1f30a}`, id: 'last' })],
  ]
}

async function readInputs(dir: string): Promise<InputFile[]> {
  const names = (await readdir(dir)).filter(name => name.endsWith('.jsonl')).map(name => join(dir, name))
  return Promise.all(names.map(async name => ({ name, bytes: await readFile(name) })))
}

async function writeModule(dir: string, name: string, options = '{}'): Promise<string> {
  const file = join(dir, `${name}.ts`)
  const glob = JSON.stringify(join(dir, '*.jsonl'))
  await writeFile(
    file,
    `import * as h from 'headrace'\nexport default h.pipeline('${name}').from(h.jsonl(${glob}, ${options}))${cases[name].steps}\n`,
  )
  return file
}

const importPipeline = async (file: string) => (await import(pathToFileURL(file).href)).default as Pipeline

/** Runs a pipeline over the corpus, once, and asks the oracle. */
function judge(name: string): Promise<Judged> {
  const found = judged.get(name) ?? runAndExpect(name)
  judged.set(name, found)
  return found
}

async function runAndExpect(name: string): Promise<Judged> {
  const file = await writeModule(corpusDir, name)
  const dir = makeFolder(`oracle-${name}`)
  const { controls = [] } = cases[name]
  await mkdir(join(dir, 'feed'))
  await writeFile(join(dir, 'feed', 'control.json'), JSON.stringify(controls))
  const ref = referTo(file)
  await runPipeline(await loadPlan(ref), ref, { dir, workers: 1, drain: new AbortController().signal })
  const pipeline = await importPipeline(file)
  const hashOf = await readBlockHashes(join(dir, 'feed'))
  const expected = await expectRun(inputs, pipeline, oracleLimits, { controls, hashOf })
  return { pipeline, expected, actual: await readActual(dir) }
}

for (const name of Object.keys(cases))
  test(`a run of the pipeline '${name}' is what the oracle expects`, async () => {
    const { expected, actual } = await judge(name)
    assert.deepEqual(compareRun(expected, actual), [])
  })

test('the runs have what they are to be judged by', async () => {
  const { expected } = await judge('deciders')
  const reasons = Object.fromEntries(Map.groupBy(expected.fates, fate => fate.reason ?? 'kept'))
  for (const reason of ['kept', 'exact-duplicate', 'near-duplicate', 'too-few-words', 'chatty', 'over-domain-rate'])
    assert.ok(reasons[reason]?.length > 0, `${reason}: ${Object.keys(reasons)}`)
  const sizes = [expected.slots, expected.shards.length, expected.feed!.steps.length]
  assert.ok(expected.slots > 15 && expected.shards.length > 10 && expected.feed!.steps.length > 50, `${sizes}`)
})

/** Options of a feed at random, over the domains of the corpus. */
function randomFeed(random: () => number) {
  const pick = <T>(...values: readonly T[]): T => values[Math.floor(random() * values.length)]
  const weights = Object.fromEntries(['d0', 'd2', 'holdout'].map(name => [name, pick(0, 1, 3, 10 * random())]))
  const options = {
    ...{
      length: pick(32, 96, 1024),
      align: pick(1, 1, 4, 32),
      batch: pick(1, 4, 7),
      mixture: pick(null, { ...weights, d1: 1 }),
    },
    ...{
      packing: pick<FeedSettings['packing']>('concatenate', 'best-fit', 'best-fit-filled'),
      blockTokens: pick(1, 5000, 20_000, 2 ** 30),
    },
    ...{ seed: pick(0, 5), dry: pick<FeedSettings['dry']>('wait', 'renormalise', 'repeat'), repeatMax: pick(1, 2, 3) },
  }
  return { options, bounds: { blockSlotsMax: pick(2, 8, 1000) } }
}

test('feeds planned with options at random over the shards of a run are what the oracle expects', async () => {
  const { pipeline, expected, actual } = await judge('mixture')
  const random = randomFrom(seed)
  const origin = { run: 'feed', tokenizer: pipeline.tokenizer!.options, fingerprint: 'f', controls: [], hashOf: null }
  const lengthsOf = new Map(
    expected.shards.map((shard, i) => [
      actual.shards[i].entry.path,
      Int32Array.from(shard.documents, document => document.tokens.length),
    ]),
  )
  let steps = 0
  for (let i = 0; i < 12; i++) {
    const { options, bounds } = randomFeed(random)
    const isEnded = random() < 0.8
    const wanted = planFeed(expected.shards, isEnded, options, { ...oracleLimits, ...bounds }, origin)
    const cut = async (spec: BlockSpec) => {
      const lists = listSamples(
        spec,
        options,
        spec.shards.map(shard => lengthsOf.get(shard.path)!),
      )
      return { tokens: lists.tokens, sha256: null }
    }
    const planner = new Planner({ ...options, ...bounds, feed: wanted.feed }, cut)
    for (const { entry } of actual.shards) planner.add(entry)
    if (isEnded) planner.end()
    const lines: string[] = []
    for (let next = await planner.nextStep(); next; next = await planner.nextStep()) lines.push(next.line)
    const about = JSON.stringify({ options, bounds })
    assert.deepEqual(
      lines,
      wanted.steps.map(step => step.line),
      about,
    )
    if (isEnded) assert.deepEqual({ ...(await planner.leftover()) }, { ...wanted.leftover }, about)
    steps += lines.length
  }
  assert.ok(steps > 100, `${steps} steps`)
})

test('rows that the caller calls poisonous are dead for its reason', async () => {
  const { pipeline, actual } = await judge('picky')
  const isPoison = (text: string) => (Buffer.byteLength(text) % 9 === 0 ? 'annotator-failed' : null)
  const harmless = { ...pipeline, annotators: pipeline.annotators.slice(1), rules: {} }
  const fates = (await expectRun(inputs, harmless, oracleLimits, { isPoison, hashOf: null })).fates
  const dead = (list: readonly ExpectedFate[]) => list.filter(fate => fate.reason === 'annotator-failed')
  assert.ok(dead(fates).length > 5)
  assert.deepEqual(dead(fates), dead(actual.fates))
})

/** What is writable, to falsify it. */
type Writable<T> = T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T
type Draft = Writable<ActualRun>

const lies: Record<string, [lie: (run: Draft) => void, found: RegExp]> = {
  'a dropped row is called kept': [
    run =>
      Object.assign(run.fates.find(fate => fate.reason === 'chatty')!, { fate: 'kept', reason: null, evidence: null }),
    /expected dropped because chatty \(\d+\), at .*found kept/,
  ],
  'a row has no fate': [run => run.fates.splice(7, 1), /has 0 fates, expected/],
  'a row has two fates': [run => run.fates.push(run.fates[7]), /has 2 fates, expected/],
  'a record that is not in the input': [run => run.fates.push({ ...run.fates[7], line: 9999 }), /:9999 is no record/],
  'a duplicate names another document': [
    run => {
      run.fates.find(fate => fate.reason === 'near-duplicate')!.duplicateOf!.row++
    },
    /near-duplicate .* of slot \d+ row \d+, similarity .*found dropped because near-duplicate/,
  ],
  'a dead row has another reason': [
    run => (run.fates.find(fate => fate.reason === 'missing-text')!.reason = 'broken-json'),
    /expected dead because missing-text/,
  ],
  'the last slot is lost before the end': [
    run => {
      run.slots--
      run.fates = run.fates.filter(fate => fate.slot < run.slots)
    },
    /^slots: expected \d+, found \d+$/,
  ],
  'the end is lost': [run => (run.isEnded = false), /the run has ended: expected true/],
  'a total counts a row twice': [run => run.totals.kept++, /^totals, kept: /],
  'a row is missing in a shard': [run => run.shards[1].documents.splice(1, 1), /^shard .*, its documents: /],
  'a row is in a shard twice': [run => run.shards[1].documents.push(run.shards[1].documents[0]), /, its documents: /],
  'a token differs': [run => run.shards[0].documents[0].tokens[3]++, /^shard .*, tokens: /],
  'a measurement differs': [run => (run.shards[0].documents[0].scores.gopherMeanWordLength = 1), /^shard .*, scores: /],
  'a shard number is used again': [run => run.shards.at(-1)!.entry.number--, /in the order of sealing/],
  'two shards are swapped': [run => run.shards.unshift(...run.shards.splice(1, 1)), /in the order of sealing/],
  'the manifest counts another row': [run => run.shards[2].entry.rows++, /^the manifest of shard .*, rows: /],
  'a shard has other bytes than its hash says': [run => (run.shards[2].sha256 = 'f'), /^the manifest of .*, sha256: /],
  'two samples are swapped': [
    run => run.feed!.steps[4].samples.unshift(...run.feed!.steps[4].samples.splice(1, 1)),
    /^step 4, sample 0, /,
  ],
  'two steps are swapped': [run => run.feed!.steps.unshift(...run.feed!.steps.splice(1, 1)), /^step 0, /],
  'a step is lost': [run => run.feed!.steps.pop(), /^the number of steps: /],
  'a label is wrong': [run => run.feed!.steps[3].samples[1].labels[5]++, /^step 3, sample 1, labels: /],
  'a line of the ledger says another share of its samples': [
    run => (run.feed!.steps[3].line = run.feed!.steps[3].line.replace(/"domains":\{[^}]*\}/, '"domains":{}')),
    /^step 3, domains: /,
  ],
  'tokens are left over that the head does not count': [run => (run.feed!.leftover = {}), /^leftover, /],
  'the head has the digest before': [run => (run.feed!.digest = run.feed!.steps[0].digest), /^the head's digest: /],
  'there is no feed': [run => (run.feed = null), /^there is no feed$/],
}

for (const [what, [lie, found]] of Object.entries(lies))
  test(`is found: ${what}`, async () => {
    const { expected, actual } = await judge('deciders')
    const draft = structuredClone(actual) as Draft
    lie(draft)
    const differences = compareRun(expected, draft)
    assert.ok(differences.length > 0 && differences.length <= 10)
    assert.match(differences.join('\n'), new RegExp(found, 'm'))
  })

test('files that come while a run goes: its slots have each record once, and all else follows from them', async () => {
  const dir = makeFolder('oracle-follow')
  const late = inputs.splice(3)
  const early = inputs
  const move = (files: readonly InputFile[]) =>
    Promise.all(files.map(({ name, bytes }) => writeFile(join(dir, basename(name)), bytes)))
  await move(early)
  inputs = [...early, ...late]
  const file = await writeModule(dir, 'deciders', '{ follow: true, pollMs: 5 }')
  const pipeline = await importPipeline(file)
  const ref = referTo(file)
  const drain = new AbortController()
  const progress = new Progress()
  const run = runPipeline(await loadPlan(ref), ref, {
    dir: join(dir, 'run'),
    workers: 1,
    drain: drain.signal,
    watch: event => progress.see(event),
  })
  const records = async () =>
    (await readInputs(dir)).flatMap(one => cutSlots([one], pipeline.source!.options as never, oracleLimits)).flat()
      .length
  const isDone = async () => progress.figures().decide.documents === (await records())
  const waitUntilDone = async () => {
    while (!(await isDone()) && !drain.signal.aborted) await nextTurn(5)
  }
  // A run that fails ends the waiting.
  const finished = run.finally(() => drain.abort())
  await waitUntilDone()
  await move(late)
  await waitUntilDone()
  drain.abort()
  await finished
  const all = await readInputs(dir)
  const actual = await readActual(join(dir, 'run'))
  const slots = slotsOf(actual)
  assert.deepEqual(checkSlots(all, pipeline, oracleLimits, slots, true), [])
  const expected = await expectRun(all, pipeline, oracleLimits, {
    slots,
    isEnded: false,
    hashOf: await readBlockHashes(join(dir, 'run', 'feed')),
  })
  assert.ok(expected.shards.length > 5 && expected.fates.length > 150)
  assert.deepEqual(compareRun(expected, actual), [])
  const falsified = {
    lost: slots.map((slot, i) => (i === 2 ? slot.slice(1) : slot)),
    double: [...slots, slots[0].slice(0, 1)],
    moved: [slots[1], slots[0], ...slots.slice(2)].toReversed(),
    foreign: [...slots, [{ file: 'other', line: 1 }]],
  }
  for (const [name, list] of Object.entries(falsified))
    assert.ok(checkSlots(all, pipeline, oracleLimits, list, true).length > 0, name)
})
