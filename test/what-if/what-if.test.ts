import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { before, test } from 'node:test'
import * as h from '../../src/index.ts'
import { bindingOf } from '../../src/record/binding.ts'
import type { LocatedFate } from '../../src/record/fate.ts'
import { readRunFile } from '../../src/record/run-file.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { readStanding } from '../../src/record/standing.ts'
import { emptyDecideTotals } from '../../src/record/totals.ts'
import { writeTrimmed } from '../../src/record/trimmed.ts'
import type { Answer, Sample } from '../../src/what-if/answer.ts'
import { parseDeciders, parseRules } from '../../src/what-if/change.ts'
import { baseOf, changeParts } from '../../src/what-if/parts.ts'
import { checkTotals } from '../../src/what-if/recorded.ts'
import { whatIf } from '../../src/what-if/what-if.ts'
import { writeCorpus } from '../run/fixture.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { fatesOf, storeDecided, storeRun, storeUpgraded } from './stored-run.ts'

// What is answered is held against runs of the changed pipelines over the same text: counts, and each document whose fate is another.

setLimits({ slotBytes: 24 * 1024 })
const runs = makeFolder('what-if')
let glob = ''

/** What decides in a pipeline, each with its default here. */
interface Parts {
  readonly gate?: Parameters<typeof h.gate>[0] | null
  readonly rules?: Parameters<typeof h.rules>[0]
  readonly deciders?: readonly h.Decider[]
}
const deciders = (near: Parameters<typeof h.nearDuplicates>[0] = {}, heldOut = 0.1, rates = { d0: 0.8 }) => [
  h.exactDuplicates(),
  h.nearDuplicates(near),
  h.holdout({ rate: heldOut }),
  h.balance({ rates }),
]

const pipelineOf = ({ gate = null, rules = {}, deciders: chosen = deciders() }: Parts) =>
  h
    .pipeline('what')
    .from(h.jsonl(glob))
    .annotate(h.normalize(), h.gopherQuality(), ...(gate ? [h.gate(gate)] : []), h.signature())
    .decide(h.rules(rules), ...chosen)

/** Runs the pipeline of these parts; over the slots of `measured`, where that is given. */
async function store(name: string, parts: Parts, measured?: string): Promise<string> {
  const dir = join(runs, name)
  const pipeline = pipelineOf(parts)
  await (measured ? storeDecided(dir, pipeline, measured) : storeRun(dir, pipeline))
  return dir
}

interface Question {
  readonly rules?: readonly string[]
  readonly deciders?: readonly string[]
}

/** Asks a run what a change would do; by modules with planted mistakes where `ask` is theirs. */
async function askRun(dir: string, { rules = [], deciders = [] }: Question, modules = { whatIf, changeParts }) {
  await using run = await RunReader.open(dir)
  const change = { overrides: parseRules(rules), deciders: parseDeciders(deciders) }
  const base = baseOf(run.run, null)
  const isSame = rules.length + deciders.length === 0
  const tried = [modules.changeParts(base.tried, change)]
  const answer = await modules.whatIf(run, { recorded: base.recorded, tried, isSame, by: 'domain', samplesMax: 10_000 })
  const ids = (list: readonly Sample[]) => Promise.all(list.map(({ slot, row }) => run.find(slot * 2 ** 20 + row)))
  const named = async (list: readonly Sample[]) =>
    (await ids(list)).map(({ batch, index }) => h.stringAt(h.utf8(batch, 'id'), index))
  return { answer, returned: await named(answer.returned), removed: await describeRemoved(run, answer, named) }
}

async function describeRemoved(
  run: RunReader,
  { removed }: Answer,
  named: (list: readonly Sample[]) => Promise<string[]>,
) {
  const ids = await named(removed)
  return Promise.all(
    removed.map(async ({ to, evidence, duplicateOf }, i) =>
      describeDrop(ids[i], to, evidence, duplicateOf < 0 ? null : await run.idAt(duplicateOf)),
    ),
  )
}

const describeDrop = (id: string, reason: string | null, evidence: unknown, duplicateOf: string | null) =>
  `${id}: ${reason}, ${evidence} of ${duplicateOf}`

const movesOf = (pairs: Iterable<readonly [from: string | null, to: string | null, documents: number]>) =>
  [...pairs].map(([from, to, documents]) => `${from || 'kept'} to ${to || 'kept'}: ${documents}`).sort()

/** An answer in the terms of `compareRuns`. */
function summarize({ answer, returned, removed }: Awaited<ReturnType<typeof askRun>>) {
  const [{ tried, droppedThen, moves, groups }] = answer.tallies
  const pairs = [...moves].flatMap(([from, ends]) => [...ends].map(([to, count]) => [from, to, count] as const))
  return {
    kept: tried.documents,
    keptBytes: tried.bytes,
    dropped: Object.fromEntries(droppedThen),
    byDomain: Object.fromEntries([...groups].map(([name, group]) => [name, group.tried.documents])),
    moves: movesOf(pairs),
    returned: returned.toSorted(),
    removed: removed.toSorted(),
  }
}

/** What two runs differ in. */
async function compareRuns(a: string, b: string): Promise<ReturnType<typeof summarize>> {
  const now = await fatesOf(a)
  const tried = await fatesOf(b)
  const pairs = [...now.values()].map(fate => [fate, tried.get(fate.id)!] as const)
  const moved = pairs.filter(([from, to]) => from.reason !== to.reason)
  const counts = Map.groupBy(moved, ([from, to]) => `${from.reason}/${to.reason}`)
  await using run = await RunReader.open(b)
  const { totals } = (await readStanding(run.log, run.run)).decide
  return {
    kept: totals.kept,
    keptBytes: totals.keptBytes,
    dropped: { ...totals.dropped },
    byDomain: Object.fromEntries(Object.entries(totals.byDomain).map(([name, { kept }]) => [name, kept])),
    moves: movesOf([...counts.values()].map(list => [list[0][0].reason, list[0][1].reason, list.length])),
    returned: moved
      .filter(([, to]) => to.reason === null)
      .map(([{ id }]) => id)
      .toSorted(),
    removed: moved
      .filter(([from]) => from.reason === null)
      .map(([, to]) => describeFate(to))
      .toSorted(),
  }
}

const describeFate = ({ id, reason, evidence, duplicateOf }: LocatedFate) =>
  describeDrop(id, reason, evidence, duplicateOf)

const gated: Parts = { gate: { gopherWords: { below: 250 } }, rules: { gopherWords: { below: 250 } } }
let base = ''
let gatedBase = ''
let tighter = ''

before(async () => {
  const corpus = await writeCorpus({ seed: 31, files: 4, documentsPerFile: 60 })
  glob = join(corpus.dir, '*.jsonl')
  base = await store('base', {})
  gatedBase = await store('gated', gated)
  tighter = await store('tighter', { rules: { gopherWords: { below: 400 } } }, base)
})

const cases: Readonly<Record<string, Question & { readonly parts: Parts }>> = {
  'a threshold that is tighter': {
    rules: ['gopherWords.below=300'],
    parts: { rules: { gopherWords: { below: 300 } } },
  },
  'a rule on a column without one': {
    rules: ['shingles.above=500'],
    parts: { rules: { shingles: { above: 500 } } },
  },
  'a rule on names, and one that is off': {
    rules: ['domain.oneOf=d0,d1', 'gopherStopWords.off'],
    parts: { rules: { domain: { oneOf: ['d0', 'd1'] }, gopherStopWords: false } },
  },
  'both bounds with a reason of their own': {
    rules: ['gopherWords.below=200', 'gopherWords.above=500', 'gopherWords.reason=odd-length'],
    parts: { rules: { gopherWords: { below: 200, above: 500, reason: 'odd-length' } } },
  },
  'near duplicates of another similarity': {
    deciders: ['nearDuplicates.similarity=0.97'],
    parts: { deciders: deciders({ similarity: 0.97 }) },
  },
  'near duplicates within a domain': {
    deciders: ['nearDuplicates.scope=domain'],
    parts: { deciders: deciders({ scope: 'domain' }) },
  },
  'another share held out, and a rate for that domain': {
    deciders: ['holdout.rate=0.5', 'balance.rates.holdout=0.3'],
    parts: { deciders: deciders({}, 0.5, { d0: 0.8, holdout: 0.3 } as { d0: number }) },
  },
  'deciders left out, and a threshold': {
    rules: ['gopherWords.below=300'],
    deciders: ['exactDuplicates.off', 'balance.off'],
    parts: { rules: { gopherWords: { below: 300 } }, deciders: [h.nearDuplicates(), h.holdout({ rate: 0.1 })] },
  },
}
for (const [name, { parts, ...question }] of Object.entries(cases))
  test(`what is answered is what a run with it keeps: ${name}`, async () => {
    const wanted = await compareRuns(base, await store(name.replaceAll(/\W+/g, '-'), parts, base))
    assert.ok(wanted.moves.length > 0, 'the change changes something')
    const asked = await askRun(base, question)
    assert.deepEqual(summarize(asked), wanted)
    assert.equal(asked.answer.tallies[0].unmeasured.size, 0)
  })

test('a threshold that is looser brings back what a run with it keeps', async () => {
  const asked = await askRun(tighter, { rules: ['gopherWords.below=50'] })
  const wanted = await compareRuns(tighter, base)
  assert.ok(wanted.returned.length > 10)
  assert.ok(wanted.moves.some(move => /^too-few-words to (near|exact)-duplicate/.test(move)))
  assert.deepEqual(summarize(asked), wanted)
})

test("a gate's rule that is tighter drops what a run with it drops", async () => {
  const asked = await askRun(gatedBase, { rules: ['gopherWords.below=400'] })
  assert.deepEqual(summarize(asked), await compareRuns(gatedBase, tighter))
})

test("a gate's rule that is looser: what would pass is counted and told, as it was measured no further", async () => {
  const before = await fatesOf(gatedBase)
  const after = await fatesOf(base)
  const isStopped = (fate?: LocatedFate) => fate?.reason === 'too-few-words'
  const passing = [...before.values()].filter(fate => isStopped(fate) && !isStopped(after.get(fate.id)))
  const { answer } = await askRun(gatedBase, { rules: ['gopherWords.below=50'] })
  const [{ unmeasured, tried, now }] = answer.tallies
  assert.ok(passing.length > 10)
  assert.deepEqual(
    [[...unmeasured.keys()], unmeasured.get('too-few-words')!.documents],
    [['too-few-words'], passing.length],
  )
  assert.equal(tried.documents, now.documents)
  // A rule behind the gate says of none of them that it breaks it.
  const { broken } = (await askRun(gatedBase, { rules: ['shingles.below=1000000'] })).answer
  const rule = broken.rules.find(({ rule }) => rule.column === 'shingles')!
  const stopped = [...before.values()].filter(isStopped).length
  assert.deepEqual([rule.unmeasured, rule.broken], [stopped, before.size - stopped])
})

test("nothing changed, it is the run's own figures; every rule that a document breaks is counted", async () => {
  for (const dir of [base, gatedBase, tighter]) {
    const asked = await askRun(dir, {})
    assert.deepEqual(summarize(asked), await compareRuns(dir, dir))
  }
  const { answer } = await askRun(tighter, { rules: ['gopherWords.below=400', 'shingles.below=390'] })
  const [words, shingles] = ['gopherWords', 'shingles'].map(
    column => answer.broken.rules.find(({ rule }) => rule.column === column && rule.below !== undefined)!,
  )
  // Fewer words are fewer shingles: almost all break both, and words are looked at first.
  assert.ok(shingles.broken > 50 && shingles.first < 10 && words.alone < 10 && words.first === words.broken)
})

const damages: Readonly<Record<string, readonly [from: string, to: string, says: RegExp]>> = {
  'a rule': ['"below": 400', '"below": 380', /row \d+ of slot \d+ was dropped for too-few-words, .* leads to kept/],
  'an option of a decider': ['"scope": "all"', '"scope": "domain"', /was dropped for near-duplicate, .* to kept/],
}
for (const [what, [from, to, says]] of Object.entries(damages))
  test(`figures that are not met are an error: ${what} is recorded otherwise`, async () => {
    const path = join(tighter, 'run.json')
    const text = await readFile(path, 'utf8')
    assert.equal(text.split(from).length, 2)
    await writeFile(path, text.replace(from, to))
    await assert.rejects(askRun(tighter, {}), { code: 'corrupt', message: says })
    await writeFile(path, text)
  })

/** Mistakes, each in a source of `src/what-if/`, which the answer to a tighter threshold shows. */
const mutants: Readonly<Record<string, readonly [file: string, from: string, to: string]>> = {
  'duplicates are not decided again': [
    'trial.ts',
    'if (decideRow(deciders, row, verdict)) return',
    'if (deciders) return',
  ],
  'kept documents are not entered': [
    'trial.ts',
    'decideRow(deciders, row, verdict)',
    'deciders.every(one => one.decide(row, verdict))',
  ],
  'near duplicates stay what they were': [
    'survey.ts',
    'const decided = await trial.decide(slot, scored, marks, recorded.measured)',
    `const decided = await trial.decide(slot, scored, marks, recorded.measured)
     for (const row of decided.reasons.keys()) if (recorded.reasons[row] === 'near-duplicate') decided.reasons[row] = 'near-duplicate'`,
  ],
  'a column has its old rule too': [
    'change-rules.ts',
    'replaceRules(setup.rules, Object.fromEntries(own))',
    'setup.rules',
  ],
}
let planted: readonly [path: string, from: string, to: string] | null = null
registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const found = nextResolve(specifier, context)
    const query = /\?mutant=\d+$/.exec(context.parentURL ?? '')?.[0]
    return query && found.url.includes('/src/what-if/') ? { ...found, url: found.url + query } : found
  },
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (!planted || !url.includes(`/src/what-if/${planted[0]}?mutant=`)) return loaded
    const source = String(loaded.source)
    assert.equal(source.split(planted[1]).length, 2, `'${planted[1]}' stands once`)
    return { ...loaded, source: source.replace(planted[1], () => planted![2]) }
  },
})
for (const [i, [name, [file, from, to]]] of Object.entries(mutants).entries())
  test(`a mistake is found: ${name}`, async () => {
    planted = [file, from, to]
    const modules = {
      ...(await import(`../../src/what-if/what-if.ts?mutant=${i}`)),
      ...(await import(`../../src/what-if/parts.ts?mutant=${i}`)),
    }
    const found = summarize(await askRun(base, { rules: ['gopherWords.below=400'] }, modules))
    assert.notDeepEqual(found, await compareRuns(base, tighter))
  })

test('a run that was upgraded is decided by what decided each slot, and one that goes on up to where it stands', async () => {
  const dir = join(runs, 'upgraded')
  const parts = [pipelineOf({}), pipelineOf({ rules: { gopherWords: { below: 300 } } })]
  await storeUpgraded(dir, parts, base, 3, async () => {
    const { answer } = await askRun(dir, {})
    assert.deepEqual([answer.isEnded, answer.slots], [false, [0, 3]])
  })
  const { answer } = await askRun(dir, {})
  assert.deepEqual([answer.isEnded, answer.slots[0], answer.tallies[0].moves.size], [true, 0, 0])
  const { dropped } = summarizeAll(await askRun(base, {}), answer)
  assert.ok(dropped[1] > dropped[0], 'the later rule has dropped more')
})

const summarizeAll = (one: Awaited<ReturnType<typeof askRun>>, other: Answer) => ({
  dropped: [one.answer, other].map(({ tallies }) => tallies[0].droppedNow.get('too-few-words') ?? 0),
})

test('where slots were trimmed duplicates are not guessed; without their deciders the rest is answered', async () => {
  const dir = await store('trimmed', {}, base)
  await writeTrimmed(dir, bindingOf((await readRunFile(dir))!), 2, () => {})
  await assert.rejects(askRun(dir, {}), { code: 'trimmed', message: /slots before 2 .* --decider NAME\.off/ })
  const { answer } = await askRun(dir, { deciders: ['nearDuplicates.off', 'exactDuplicates.off'] })
  assert.equal(answer.slots[0], 2)
  assert.ok(answer.documents > 0 && answer.documents < (await askRun(base, {})).answer.documents)
})

test("totals that a run's slots do not come to are an error", () => {
  const counted = { documents: 3, dead: 0, kept: 1, textBytes: 9, keptBytes: 4, dropped: new Map([['short', 2]]) }
  const totals = { ...emptyDecideTotals(), ...counted, dropped: { short: 2 } }
  checkTotals(counted, totals)
  for (const wrong of [{ kept: 2 }, { textBytes: 8 }, { dropped: { short: 1, long: 1 } }, { dropped: {} }])
    assert.throws(() => checkTotals(counted, { ...totals, ...wrong }), {
      code: 'corrupt',
      message: /figures are not met/,
    })
})
