import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { unpackRows } from '../../src/page/client/rows.ts'
import { commandOf, leversOf, pipelineLines } from '../../src/page/client/thresholds.ts'
import { fates, Kernel } from '../../src/page/kernel.ts'
import { packReport, readReport } from '../../src/page/report.ts'
import type { ReportData } from '../../src/page/report-data.ts'
import type { Overrides } from '../../src/pipeline/overrides.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { noChange } from '../../src/what-if/change.ts'
import { baseOf, changeParts } from '../../src/what-if/parts.ts'
import { whatIf } from '../../src/what-if/what-if.ts'
import { randomFrom } from '../random.ts'
import { makeFolder } from '../temporary.ts'
import { runIt, writeDocuments, writePipeline } from './made.ts'

// What a page computes, of a run with gates, rules and deciders, against `headrace what-if` over the same run.

const dir = makeFolder('kernel')
const runs = join(dir, 'runs')
let data: ReportData

before(async () => {
  await runIt(writePipeline(dir, 'whole', writeDocuments(dir), ', h.exactDuplicates(), h.nearDuplicates()'), runs)
  await using run = await RunReader.open(join(runs, 'whole'))
  data = JSON.parse(JSON.stringify(await packReport(await readReport(run, { documentsMax: 5, seed: 0 }))))
})

const kernelOf = (of: ReportData) => new Kernel(unpackRows(of), of.parts!, of.reasons)

/** Documents that each reason of a rule is the first to drop, and those that nothing stored decides. */
async function askWhatIf(overrides: Overrides) {
  await using run = await RunReader.open(join(runs, 'whole'))
  const base = baseOf(run.run, null)
  const tried = changeParts(base.tried, { ...noChange, overrides })
  const answer = await whatIf(run, { recorded: base.recorded, tried: [tried], isSame: false, by: null, samplesMax: 0 })
  const first = new Map<string, number>()
  for (const one of answer.broken.rules) add(first, one.rule.reason, one.first)
  const [tally] = answer.tallies
  const passing = tally.now.documents + [...tally.droppedNow.values()].reduce((sum, count) => sum + count, 0)
  const unmeasured = [...tally.unmeasured.values()].reduce((sum, { documents }) => sum + documents, 0)
  return { first, unmeasured, documents: passing }
}

function askPage(overrides: Overrides) {
  const { fates: found, rule, rules } = kernelOf(data).decide(overrides)
  const first = new Map(rules.map(({ reason }) => [reason, 0]))
  for (const one of rule) if (one >= 0) add(first, rules[one].reason, 1)
  return { first, unmeasured: found.filter(fate => fate === fates.unmeasured).length, documents: found.length }
}

const add = (counts: Map<string, number>, name: string, count: number) =>
  counts.set(name, (counts.get(name) ?? 0) + count)
const sorted = ({ first, ...others }: Awaited<ReturnType<typeof askWhatIf>>) => ({
  first: [...first].sort(),
  ...others,
})

test('without a change all fates are those of the log', () => {
  const kernel = kernelOf(data)
  assert.equal(kernel.unequal, 0)
  const { fates: found } = kernel.decide({})
  const { reason } = unpackRows(data)
  for (const [row, fate] of found.entries()) {
    const isDecider = data.parts![0].deciderReasons.includes(data.reasons[reason[row]])
    assert.equal(fate, reason[row] === 0 ? fates.kept : isDecider ? fates.asDuplicate : fates.ruled)
  }
  for (const fate of [fates.kept, fates.asDuplicate, fates.ruled]) assert.ok(found.includes(fate))
})

test('a fate that the rules do not lead to is counted', () => {
  const reason = Buffer.from(data.rows.reason, 'base64')
  reason.writeUInt16LE(reason.readUInt16LE(0) === 0 ? data.reasons.length - 1 : 0, 0)
  assert.equal(kernelOf({ ...data, rows: { ...data.rows, reason: reason.toString('base64') } }).unequal, 1)
})

test('other thresholds, one and several at a time, give the counts of headrace what-if', async () => {
  const random = randomFrom(20)
  const levers = leversOf(data).filter(({ bound }) => bound !== null)
  const rows = unpackRows(data)
  let unmeasured = 0
  for (let i = 0; i < 25; i++) {
    const overrides: Record<string, Overrides[string]> = {}
    for (let k = 0; k <= i % 3; k++) {
      // The gate's is moved most often, as what it stopped is measured no further.
      const draw = Math.floor(random() * levers.length)
      const { column, bound } = k === 0 && i % 4 === 0 ? levers.find(one => one.column === 'seed:<b>')! : levers[draw]
      const { values } = rows.batch.columns[column] as { values: Float64Array }
      // A value that some row has is where < and <= differ.
      const value = values[Math.floor(random() * values.length)]
      overrides[column] = random() < 0.1 || Number.isNaN(value) ? false : { [bound!]: value }
    }
    const [page, told] = [askPage(overrides), await askWhatIf(overrides)]
    assert.deepEqual(sorted(page), sorted(told), JSON.stringify(overrides))
    unmeasured += told.unmeasured
  }
  assert.ok(unmeasured > 0)
})

test('lines of a pipeline and words of a command line quote what is no name', () => {
  const overrides = { 'seed:<b>': { below: 2 }, gopherWords: { below: 9, above: 99 }, lines: false as const }
  assert.deepEqual(pipelineLines(data.parts![0], overrides), [
    "gate({ 'seed:<b>': { below: 2 } })",
    'rules({ gopherWords: { below: 9, above: 99 }, lines: false })',
  ])
  assert.equal(
    commandOf('whole', overrides),
    "headrace what-if whole --rule 'seed:<b>.below=2' --rule gopherWords.below=9 --rule gopherWords.above=99 --rule lines.off",
  )
})
