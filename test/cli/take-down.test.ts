import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockDirectory } from '../../src/disk/lock.ts'
import { type FeedBatch, readFeed } from '../../src/feed/read.ts'
import { hashFiles, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { sha256Of } from '../verify/damage.ts'
import { parseLines, runMain } from './terminal.ts'

// One run by the real command line; from copies of it documents are taken down, feeds are forked, and both are audited and verified.
const corpus = await writeCorpus({ seed: 21, files: 4, documentsPerFile: 60 })
const words = (word: string) => Array.from({ length: 90 }, (_, i) => `${word}${i % 13} of ${word}`).join(' ')
const extra = [
  { id: 'twice', url: 'https://a.example/1', text: words('river'), domain: 'd1' },
  { id: 'twice', url: 'https://a.example/2', text: words('mill'), domain: 'd2' },
  { id: '__proto__', url: 'https://a.example/2', text: words('\u001b[31mstone'), domain: 'd0' },
]
await writeFile(join(corpus.dir, 'extra.jsonl'), extra.map(one => `${JSON.stringify(one)}\n`).join(''))
const pipeline = await writePipeline(
  corpus.dir,
  glob => `h.pipeline('test').from(h.jsonl(${glob})).annotate(h.normalize(), h.signature())
    .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates()).tokenize('gpt2').feed({ length: 256, batch: 4 })`,
)
const original = makeFolder('taken-original')
assert.equal((await runMain(['run', pipeline, '--dir', original, '--workers', '1'])).status, 0)
const fates = parseLines((await runMain(['fates', '--dir', original])).out) as unknown as Fate[]
const whole = await Array.fromAsync(readFeed(join(original, 'test', 'feed')))
let copies = 0

interface Fate {
  readonly id: string
  readonly slot: number
  readonly row: number
  readonly fate: string
  readonly duplicateOf: string | null
}

/** The folder of runs, with the run as it ended. */
function copyRuns(): string {
  const to = join(makeFolder('taken'), String(copies++))
  cpSync(original, to, { recursive: true })
  return to
}

async function namesFile(text: string): Promise<string> {
  const file = join(makeFolder('names'), 'names.txt')
  await writeFile(file, text)
  return file
}

/** Named documents with all that a chain of duplicates joins to them, found the slow way. */
function clusterOf(names: readonly string[]): Fate[] {
  const found = new Set(fates.filter(({ id }) => names.includes(id)))
  for (let size = -1; size < found.size; ) {
    size = found.size
    for (const one of fates) {
      const isJoined = [...found].some(
        ({ id, duplicateOf }) => one.duplicateOf === id || (duplicateOf !== null && duplicateOf === one.id),
      )
      if (isJoined) found.add(one)
    }
  }
  return fates.filter(one => found.has(one))
}

const dropped = fates.filter(({ duplicateOf }) => duplicateOf !== null)
const placeOf = ({ slot, row }: Pick<Fate, 'slot' | 'row'>) => `${slot}:${row}`
const named = [
  dropped[0].id,
  dropped[3].duplicateOf!,
  fates.find(({ fate, id }) => fate === 'kept' && id.startsWith('0-'))!.id,
]
const allOf = clusterOf(named)
const kept = new Set(allOf.filter(({ fate }) => fate === 'kept').map(({ id }) => id))

/** Where documents are: of each step the tokens of these ids. */
function tokensIn(batches: readonly FeedBatch[], ids: ReadonlySet<string>): Map<number, number> {
  const steps = new Map<number, number>()
  for (const { step, documents, cuSeqlens } of batches)
    for (const [i, id] of documents.entries())
      if (ids.has(id)) steps.set(step, (steps.get(step) ?? 0) + cuSeqlens[i + 1] - cuSeqlens[i])
  return steps
}

function takeDown(dir: string, file: string, ...more: string[]) {
  return runMain(['take-down', '--ids', file, '--dir', dir, ...more])
}

test('named documents and every copy are taken down, and what steps before have seen of them is told', async () => {
  assert.ok(allOf.length > named.length && kept.size < allOf.length)
  const dir = copyRuns()
  const file = await namesFile(`\uFEFF${named.join('\r\n')}\n\nnobody\n`)
  const steps = tokensIn(whole, kept)
  const at = [...steps.keys()][1]
  const before = await hashFiles(join(dir, 'test'))
  const planned = await takeDown(dir, file, '--at', String(at), '--unread', '--plan')
  assert.match(planned.out, /^take-down +planned, nothing is written\n/)
  assert.deepEqual(await hashFiles(join(dir, 'test')), before)
  const { status, out, err } = await takeDown(dir, file, '--at', String(at), '--unread', '--json')
  assert.equal(status, 0, err)
  const lines = parseLines(out)
  const summary = lines.pop() as { seenBefore: object; maskedNow: { tokens: number } }
  assert.deepEqual(
    (lines as unknown as Fate[]).map(placeOf),
    allOf.map(placeOf),
    'the documents are those of the slow way',
  )
  const earlier = [...steps].filter(([step]) => step < at)
  assert.deepEqual(
    { ...summary, feed: '', slots: '', maskedNow: summary.maskedNow.tokens },
    {
      feed: '',
      names: 4,
      notFound: ['nobody'],
      repeated: [],
      documents: allOf.length,
      masked: kept.size,
      dropped: allOf.length - kept.size,
      step: at,
      blank: false,
      recorded: true,
      slots: '',
      seenBefore: {
        samples: samplesIn(whole.slice(0, at)),
        steps: earlier.length,
        tokens: earlier.reduce((sum, [, tokens]) => sum + tokens, 0),
      },
      maskedNow: [...steps].filter(([step]) => step >= at).reduce((sum, [, tokens]) => sum + tokens, 0),
    },
  )
  for await (const { step, documents, cuSeqlens, targets } of readFeed(join(dir, 'test', 'feed')))
    for (const [i, id] of documents.entries()) {
      const part = targets.subarray(cuSeqlens[i], cuSeqlens[i + 1])
      const isSilent = part.every(target => target === -100)
      if (id !== '' && part.length > 1) assert.equal(isSilent, kept.has(id) && step >= at, `${id} in step ${step}`)
    }
  assert.match((await takeDown(dir, file, '--at', String(at), '--unread')).out, /^take-down +in force already/)
  const { out: told, status: sound } = await runMain(['verify', '--dir', dir])
  assert.equal(sound, 0, told)
})

/** Samples that hold a document that is taken down. */
function samplesIn(batches: readonly FeedBatch[]): number {
  let samples = 0
  for (const { documents, cuSeqlens, length } of batches) {
    const rows = documents.flatMap((id, i) => (kept.has(id) ? [Math.floor(cuSeqlens[i] / length)] : []))
    samples += new Set(rows).size
  }
  return samples
}

test('an id that repeats takes every document of it, an address its own, and hostile names are names', async () => {
  const dir = copyRuns()
  const cases: [names: string, by: string, documents: number, RegExp][] = [
    ['twice\n', 'id', 2, /\nrepeated +twice: every document of that name is taken\n/],
    ['https://a.example/2\n', 'url', 2, /\nrepeated +https/],
    ['https://a.example/1\n', 'url', 1, /\nnamed +1 of 1 name found\n/],
    [`__proto__\nconstructor\n\u001b[2J\n${'x'.repeat(1e6)}\n`, 'id', 1, /\nnamed +1 of 4 names found\n/],
  ]
  for (const [names, by, documents, told] of cases) {
    const printed = await takeDown(dir, await namesFile(names), '--by', by, '--at', '0', '--unread', '--plan')
    assert.equal(printed.status, 0, printed.err)
    assert.match(printed.out, new RegExp(`\\ndocuments +${documents}: `))
    assert.match(printed.out, told)
    assert.ok(!printed.out.includes('\u001b'))
  }
})

test('what can not be taken down is refused, and nothing is written', async () => {
  const dir = copyRuns()
  const file = await namesFile(`${named[0]}\n`)
  const before = await hashFiles(join(dir, 'test'))
  const last = whole.length - 1
  const cases: [args: string[], status: number, RegExp][] = [
    [['--ids', file], 64, new RegExp(`the feed has ended with step ${last}, and nothing would be masked`)],
    [['--ids', file, '--at', '2'], 64, /step 2 is published, and may have been read/],
    [['--ids', file, '--unread'], 64, /--unread needs --at STEP/],
    [['--ids', file, '--at', '-1'], 64, /--at/],
    [['--ids', file, '--by', 'text'], 64, /--by is 'text'; it takes id or url/],
    [['--ids', file, '--at', '2', '--unread', '--note', 'a\nb'], 64, /--note has more than one line/],
    [[], 64, /--ids is missing/],
    [['--ids', join(dir, 'none')], 66, /there is no file/],
    [['--ids', await namesFile('\n\r\n')], 64, /is empty: it takes a document's id/],
    [
      ['--ids', await namesFile('nobody\n'), '--at', '0', '--unread'],
      66,
      /has one of the 1 names \(id\), such as "nob/,
    ],
    [['--ids', file, '--feed', corpus.dir], 66, /there is no feed in/],
  ]
  for (const [args, status, message] of cases) {
    const printed = await runMain(['take-down', '--dir', dir, ...args])
    assert.equal(printed.status, status, printed.err)
    assert.match(printed.err, message)
  }
  assert.deepEqual(await hashFiles(join(dir, 'test')), before)
  await using _ = await lockDirectory(join(dir, 'test'))
  assert.equal((await takeDown(dir, file, '--at', '0', '--unread')).status, 73)
})

test('an audit of a document has the steps that held it, and one of a step all that it held', async () => {
  const dir = copyRuns()
  const { duplicateOf, id } = dropped[0]
  await takeDown(dir, await namesFile(id), '--at', '0', '--unread', '--note', 'case 17')
  const { out, status, err } = await runMain(['audit', '--document', id, '--dir', dir, '--json'])
  assert.equal(status, 0, err)
  const audit = JSON.parse(out)
  assert.deepEqual(
    audit.documents.map((one: Fate) => [one.id, placeOf(one)]),
    clusterOf([id]).map(one => [one.id, placeOf(one)]),
  )
  const fed = audit.documents.find((one: Fate) => one.id === duplicateOf)
  const seen = [...tokensIn(whole, new Set([duplicateOf!]))]
  const tokens = new Map<number, number>()
  for (const sample of fed.samples) {
    if (sample.step === null) continue
    tokens.set(sample.step, (tokens.get(sample.step) ?? 0) + sample.tokens)
    assert.equal(sample.digest, whole[sample.step].digest)
  }
  assert.deepEqual(
    [...tokens].sort((a, b) => a[0] - b[0]),
    seen,
  )
  assert.deepEqual([fed.takeDowns[0].step, fed.takeDowns[0].note], [0, 'case 17'])
  assert.match((await runMain(['audit', '--document', id, '--dir', dir])).out, /\n {2}fed +step \d+, \w{12}, masked: /)

  const [step] = seen[0]
  const { documents, ...held } = JSON.parse(
    (await runMain(['audit', '--step', String(step), '--dir', dir, '--json'])).out,
  )
  assert.deepEqual([held.step.digest, held.pipeline], [whole[step].digest, 'test'])
  assert.deepEqual(
    documents.map((one: { id: string }) => one.id),
    whole[step].documents.filter(Boolean),
  )
  const lines = new Map(fates.map(one => [placeOf(one), one]))
  for (const one of documents) {
    assert.deepEqual(
      [one.id, one.line],
      [lines.get(placeOf(one))!.id, (lines.get(placeOf(one)) as { line?: number }).line],
    )
    assert.equal(one.masked, one.id === duplicateOf ? 'targets' : 'nothing')
  }
  const refused = await Promise.all(
    [['--step', '999'], ['--document', 'nobody'], [], ['--step', '1', '--document', 'x']].map(args =>
      runMain(['audit', '--dir', dir, ...args]),
    ),
  )
  assert.deepEqual(
    refused.map(printed => printed.status),
    [66, 66, 64, 64],
  )
})

test('a fork by the command passes over steps, is audited and verified, and its damage is found', async () => {
  const dir = copyRuns()
  const run = join(dir, 'test')
  const args = ['fork', run, '--at', '3', '--skip', '4-6', '--note', 'a spike']
  const { out, status, err } = await runMain([...args, '--json'])
  assert.equal(status, 0, err)
  const made = JSON.parse(out)
  assert.deepEqual([made.at, made.skip, made.new, made.ended, made.steps], [3, [4, 6], true, true, whole.length - 3])
  assert.equal(JSON.parse((await runMain([...args, '--json'])).out).new, false)
  const batches = await Array.fromAsync(readFeed(made.dir))
  assert.deepEqual(
    batches.map(({ documents }) => documents),
    [...whole.slice(0, 4), ...whole.slice(7)].map(({ documents }) => documents),
  )
  const text = await runMain(args)
  assert.match(text.out, /\nwithout +steps 4 to 6: step 4 has the samples that step 7 had\n/)
  const step = await runMain(['audit', '--step', '4', '--feed', made.dir, '--json'])
  assert.equal(JSON.parse(step.out).step.digest, batches[4].digest)
  const refused: [string[], RegExp][] = [
    [['fork', run], /--at is missing/],
    [['fork', run, '--at', '3', '--skip', '4'], /--skip is '4'; it takes two steps/],
    [['fork', run, '--at', '3', '--name', '../x'], /--name is '..\/x'/],
    [['fork', run, '--at', '9999'], /--at is 9999, and the feed has/],
  ]
  for (const [bad, message] of refused) assert.match((await runMain(bad)).err, message)
  const file = await namesFile(named[0])
  assert.equal((await takeDown(dir, file, '--feed', made.dir, '--at', '0', '--unread')).status, 0)
  assert.equal((await runMain(['verify', '--dir', dir])).status, 0)

  const fork = join('forks', 'at-3-skip-4-6')
  const list = join(fork, 'take-downs', '00000000.jsonl')
  const edit = (name: string, change: (text: string) => string) => async (at: string) => {
    const path = join(at, 'test', name)
    await writeFile(path, change(await readFile(path, 'utf8')))
  }
  /** Another list, under the right hash. */
  const relist = (change: (text: string) => string) => async (at: string) => {
    const before = sha256Of(await readFile(join(at, 'test', list)))
    await edit(list, change)(at)
    const after = sha256Of(await readFile(join(at, 'test', list)))
    await edit(join(fork, 'control.json'), text => text.replace(before, after))(at)
  }
  const damages: [string, (at: string) => Promise<void>, row: string, RegExp][] = [
    [
      'a skip one step off',
      edit(join(fork, 'control.json'), text => text.replace(/4,(\s+)6/, '4,$17')),
      'plan',
      /forks/,
    ],
    [
      'a line of its ledger',
      edit(join(fork, 'steps', '00000000.jsonl'), text => text.replace('"tokens"', '"tokenS"')),
      'ledger',
      /forks/,
    ],
    ['a row that is no copy', relist(text => text.replace(/\[\d+,\d+\]\n$/, '[0,0]\n')), 'plan', /take-downs/],
    ['a list cut short', edit(list, text => text.slice(0, -2)), 'plan', /take-downs/],
  ]
  // Each is a verification of the whole run: half of them show that what a fork has of its own is looked at.
  for (const [name, harm, row, place] of process.env.CI ? damages : damages.filter((_, i) => i % 2 === 0)) {
    const to = join(makeFolder('taken'), String(copies++))
    cpSync(dir, to, { recursive: true })
    await harm(to)
    const [found] = parseLines((await runMain(['verify', '--dir', to, '--json'])).out) as unknown as Found[]
    const problems = found.checks.find(check => check.name === row)!.problems
    assert.ok(
      problems.some(problem => place.test(problem.file)),
      `${name}: ${JSON.stringify(found.checks.flatMap(check => check.problems))}`,
    )
  }
})

interface Found {
  readonly checks: readonly { readonly name: string; readonly problems: readonly { readonly file: string }[] }[]
}
