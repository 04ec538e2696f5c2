import assert from 'node:assert/strict'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { hashFiles, writeCorpus } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

// One run with tokens, and what the command says of it. What it computes is tested in test/what-if/.

const home = makeFolder('what-if')
const runs = join(home, 'runs')
let own = ''

/** Writes a pipeline with these rules and returns its file. */
async function writePipeline(
  name: string,
  glob: string,
  rules: string,
  measure = 'h.gopherQuality()',
): Promise<string> {
  const file = join(home, `${name}.ts`)
  await writeFile(
    file,
    `import * as h from 'headrace'
export default h.pipeline('web').from(h.jsonl(${JSON.stringify(glob)}))
  .annotate(h.normalize(), h.language(), ${measure}, h.signature())
  .decide(h.rules(${rules}), h.exactDuplicates(), h.nearDuplicates()).tokenize('gpt2')\n`,
  )
  return file
}

let tighter = ''
let otherwise = ''
before(async () => {
  const glob = join((await writeCorpus({ seed: 78, files: 1, documentsPerFile: 60 })).dir, '*.jsonl')
  own = await writePipeline('own', glob, '{ gopherWords: { below: 300 } }')
  tighter = await writePipeline('tighter', glob, '{ gopherWords: { below: 500 } }')
  otherwise = await writePipeline('otherwise', glob, '', 'h.gopherQuality({ wordsMin: 9 }), h.density()')
  const { status, err } = await runMain(['run', own, '--dir', runs, '--workers', '1'])
  assert.equal(status, 0, err)
})

const ask = (...args: string[]) => runMain(['what-if', 'web', '--dir', runs, ...args])
async function askJson(...args: string[]) {
  const { status, out, err } = await ask('--json', ...args)
  assert.equal(status, 0, err)
  return JSON.parse(out)
}

test('the page: the rule that changes, now and then, what moves, samples with their evidence, every rule', async () => {
  const before = await hashFiles(runs)
  const { status, out } = await ask('--rule', 'gopherWords.below=100', '--by', 'domain', '--samples', '1')
  assert.equal(status, 0)
  const pages = [
    /^run web, 60 documents\n {2}- drops gopherWords < 300 \(too-few-words\)\n {2}\+ drops gopherWords < 100 \(too-few-words\)\n/,
    /^ +now +then +change\nkept +(\d+) +(\d+) +\+(\d+)\n {2}bytes +.* kB .* kB +\+.*\n {2}tokens +[\d,]+ +~[\d,]+ +~\+[\d,]+$/m,
    /^ {2}too-few-words +\d+ +0 +-\d+$/m,
    /^~ tokens of returning documents are an estimate/m,
    /^changed fates\n {2}too-few-words +→ +kept +\d+$/m,
    /^would return, some\n {2}0-\d+ {2}.*part-0\.jsonl:\d+\n {4}too-few-words → kept, \d+$/m,
    /^ +documents +kept +then +change .*\n {2}d\d +\d+ +\d+ +\d+ +\+\d+ /m,
    /^gopherWords < 100 +too-few-words +0 +0 +0 +0$/m,
  ]
  for (const page of pages) assert.match(out, page)
  assert.deepEqual(await hashFiles(runs), before, 'nothing is written')
})

test("--json: with no change the run's own figures, with one those of the pipeline that has it", async () => {
  const report = JSON.parse((await runMain(['report', '--json', '--dir', runs])).out)
  const same = await askJson()
  const { documents, dead, textBytes } = report
  assert.deepEqual([same.documents, same.dead, same.textBytes, same.exact], [documents, dead, textBytes, true])
  for (const { documents, tokens, tokensAreEstimated } of [same.kept.now, same.kept.tried])
    assert.deepEqual([documents, tokens, tokensAreEstimated], [report.kept, report.tokens, false])
  assert.deepEqual([same.moves, same.changed.rules], [[], { without: [], with: [] }])
  const byRule = await askJson('--rule', 'gopherWords.below=500')
  const byFile = await askJson(tighter)
  assert.deepEqual(byFile, byRule)
  assert.ok(byRule.removed.documents > 0)
  // What goes is known exactly, as its tokens are in the shards.
  assert.equal(byRule.kept.now.tokens - byRule.removed.tokens, byRule.kept.tried.tokens)
  assert.deepEqual(await askJson(own), same)
})

test('a sweep is a row a threshold, each as if it was asked alone', async () => {
  const { points, now } = await askJson('--sweep', 'gopherWords.below=100..500/3')
  assert.deepEqual(
    points.map(({ value }: { value: number }) => value),
    [100, 300, 500],
  )
  for (const { value, needsReplay, ...kept } of points)
    assert.deepEqual(kept, (await askJson('--rule', `gopherWords.below=${value}`)).kept.tried)
  assert.deepEqual({ ...points[1], value: 0 }, { ...now, value: 0, needsReplay: 0 })
  const { out } = await ask('--sweep', 'gopherWords.below=100..500/3')
  assert.match(out, /^gopherWords\.below +kept +bytes +tokens\nnow +\d+ .*\n100 .*\n300 .*\n500 .*\n$/)
})

test('a run is named by its folder, too; one that says not what decided it takes the pipeline', async () => {
  const dir = join(makeFolder('older'), 'older')
  await cp(join(runs, 'web'), dir, { recursive: true })
  assert.equal((await runMain(['what-if', dir])).status, 0)
  const path = join(dir, 'run.json')
  const run = JSON.parse(await readFile(path, 'utf8'))
  delete run.segments[0].reasons.deciders
  await writeFile(path, JSON.stringify(run))
  const { status, err } = await runMain(['what-if', dir])
  assert.deepEqual([status, /older version .* add the pipeline's file/.test(err)], [64, true], err)
  assert.equal((await runMain(['what-if', dir, own])).status, 0)
})

const refusals: Readonly<Record<string, readonly [args: () => string[], says: RegExp]>> = {
  'no such column': [() => ['--rule', 'gopherWrds.below=1'], /no column 'gopherWrds'; did you mean 'gopherWords'\?/],
  'no such bound': [() => ['--rule', 'gopherWords.belo=1'], /no option 'belo'; did you mean 'below'\?/],
  'no number': [() => ['--rule', 'gopherWords.below=many'], /'many' is no number/],
  'no bound': [() => ['--rule', 'gopherWords.reason=few'], /has no bound/],
  'no value': [() => ['--rule', 'gopherWords.below'], /has no value/],
  'no option': [() => ['--rule', 'gopherWords=3'], /give it as in --rule COLUMN\.below=NUMBER/],
  'a bound twice': [() => ['--rule', 'gopherWords.below=3', '--rule', 'gopherWords.below=4'], /contradicts/],
  'a bound and none': [() => ['--rule', 'gopherWords.off', '--rule', 'gopherWords.below=4'], /contradicts/],
  'a bound on a name': [() => ['--rule', 'language.below=3'], /'language' is utf8: give oneOf or noneOf/],
  'names for a number': [() => ['--rule', 'gopherWords.oneOf=a'], /'gopherWords' is u32: give below or above/],
  'what no rule reads': [() => ['--rule', 'signature.below=3'], /no rule can read it/],
  'no such decider': [() => ['--decider', 'nearDuplicate.similarity=1'], /did you mean 'near-duplicates'\?/],
  'no such decider here': [() => ['--decider', 'holdout.off'], /the run has no decider 'holdout'/],
  'no such option': [() => ['--decider', 'nearDuplicates.similar=1'], /did you mean 'similarity'\?/],
  'another value': [() => ['--decider', 'nearDuplicates.similarity=2'], /give a number above 0, at most 1/],
  'another signature': [
    () => ['--decider', 'nearDuplicates.bands=7'],
    /has 112 bytes a row, not 56.*a replay measures it anew/,
  ],
  'a sweep without an end': [() => ['--sweep', 'gopherWords.below=3'], /FROM\.\.TO\/COUNT/],
  'a sweep and a rule': [() => ['--sweep', 'gopherWords.below=3..4/2', '--rule', 'gopherWords.below=4'], /give one/],
  'another group': [() => ['--by', 'colour'], /give domain or language/],
  'a pipeline that measures otherwise': [() => [otherwise], /only a replay tells/],
}
for (const [what, [args, says]] of Object.entries(refusals))
  test(`refused with what to do: ${what}`, async () => {
    const { status, out, err } = await ask(...args())
    assert.deepEqual([status, out], [64, ''])
    assert.match(err, says)
  })
