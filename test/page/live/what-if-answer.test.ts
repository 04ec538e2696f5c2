import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { limits } from '../../../src/limits.ts'
import { leversOf } from '../../../src/page/client/thresholds.ts'
import { packSample, RowSample, type SampleOptions } from '../../../src/page/live/row-sample.ts'
import { answerWhatIf } from '../../../src/page/live/what-if-answer.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import { cleanName } from '../../../src/text/printable.ts'
import { runMain } from '../../cli/terminal.ts'
import { randomFrom } from '../../random.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { copyAsOlder, makeRuns } from './made-runs.ts'

// What is answered of other thresholds, against `headrace what-if` over the same run.

let runs = ''
let sample: RowSample

async function sampleOf(name: string, options: SampleOptions = {}): Promise<RowSample> {
  await using run = await RunReader.open(join(runs, name))
  const made = new RowSample(options)
  await made.refresh(run)
  assert.ok(made.isWhole)
  return made
}

before(async () => {
  runs = await makeRuns(['plain', 'whole'])
  sample = await sampleOf('plain')
})

type Overrides = Record<string, Record<string, unknown> | false>

/** The same from the command line, which decides duplicates too: of a run without deciders of them. */
async function askCommand(overrides: Overrides) {
  const rules = Object.entries(overrides).flatMap(([column, threshold]) =>
    threshold === false
      ? [`${column}.off`]
      : Object.entries(threshold).map(([bound, value]) => `${column}.${bound}=${value}`),
  )
  const given = rules.flatMap(rule => ['--rule', rule])
  const { out, err } = await runMain([
    'what-if',
    'plain',
    '--dir',
    runs,
    '--json',
    '--by',
    'domain',
    '--samples',
    '0',
    ...given,
  ])
  assert.equal(err, '')
  const { documents, dead, kept, removed, returned, needsReplay, groups } = JSON.parse(out)
  const unmeasured = needsReplay.reduce((sum: number, one: { documents: number }) => sum + one.documents, 0)
  const total = {
    documents: documents - dead,
    keptNow: kept.now.documents,
    wouldKeep: kept.tried.documents,
    lost: removed.documents,
    anew: returned.documents,
    unmeasured,
  }
  const byDomain = groups.map((one: { name: string; documents: number } & typeof kept) => {
    return [cleanName(one.name) || '(none)', one.documents, one.now.documents, one.tried.documents].join()
  })
  return { total, byDomain: byDomain.sort() }
}

function askSample(overrides: Overrides) {
  const { total, byDomain, others } = answerWhatIf(sample, { overrides })
  assert.equal(others, null)
  const lines = byDomain.map(one => [one.domain, one.documents, one.keptNow, one.wouldKeep].join())
  return { total, byDomain: lines.sort() }
}

test('without a change nothing moves', async () => {
  for (const name of ['plain', 'whole']) {
    const { total, rows, of, isEstimate, unsampled } = answerWhatIf(await sampleOf(name), { overrides: {} })
    assert.deepEqual([total.lost, total.anew, total.unmeasured, total.wouldKeep], [0, 0, 0, total.keptNow])
    assert.deepEqual([rows, of, isEstimate, unsampled], [total.documents, total.documents, false, 0])
  }
})

test('other thresholds, one and several at a time, keep and lose what headrace what-if says, by domain too', async () => {
  const random = randomFrom(21)
  const levers = leversOf(packSample(sample)).filter(({ bound }) => bound !== null)
  const { batch } = sample.sampled.joined()
  const moved = { lost: 0, anew: 0, unmeasured: 0 }
  for (let i = 0; i < 25; i++) {
    const overrides: Overrides = {}
    // This one alone brings documents back: most break several rules.
    if (i % 5 === 0) overrides.gopherAlphaWords = { below: 0.4 }
    for (let k = 0; k <= i % 3; k++) {
      const draw = Math.floor(random() * levers.length)
      const { column, bound } = k === 0 && i % 4 === 0 ? levers.find(one => one.column === 'seed:<b>')! : levers[draw]
      const { values } = batch.columns[column] as { values: Float64Array }
      const value = values[Math.floor(random() * values.length)]
      overrides[column] = random() < 0.1 || !Number.isFinite(value) ? false : { [bound!]: value }
    }
    const found = askSample(overrides)
    assert.deepEqual(found, await askCommand(overrides), JSON.stringify(overrides))
    for (const name of ['lost', 'anew', 'unmeasured'] as const) moved[name] += found.total[name]
  }
  assert.ok(moved.lost > 0 && moved.anew > 0 && moved.unmeasured > 0, JSON.stringify(moved))
})

test('of some slots counts are estimates of all documents, and what no row stands for is told', async () => {
  const some = await sampleOf('whole', { rowsMax: 40 })
  const rules = leversOf(packSample(some)).filter(({ value }) => value !== null)
  const overrides = Object.fromEntries(rules.map(({ column }) => [column, false]))
  const { total, rows, of, isEstimate, unsampled } = answerWhatIf(some, { overrides })
  const { kept } = some.sampled.standing.decide.totals
  assert.ok(isEstimate && rows <= 40 && rows > 15)
  assert.deepEqual([total.documents + unsampled, total.keptNow], [of, kept])
  assert.ok(unsampled > 0 && total.anew > 0, JSON.stringify([unsampled, total]))
})

test('domains beyond the shown ones are together', () => {
  const { reportNamesMax } = limits
  const whole = answerWhatIf(sample, { overrides: { gopherWords: { below: 200 } } })
  setLimits({ reportNamesMax: 4 })
  const short = answerWhatIf(sample, { overrides: { gopherWords: { below: 200 } } })
  setLimits({ reportNamesMax })
  assert.deepEqual(short.byDomain, whole.byDomain.slice(0, 4))
  const sum = (name: 'documents' | 'lost') => whole.byDomain.slice(4).reduce((all, one) => all + one[name], 0)
  assert.deepEqual(
    [short.others!.domains, short.others!.documents, short.others!.lost],
    [whole.byDomain.length - 4, sum('documents'), sum('lost')],
  )
  const moved = whole.byDomain.map(({ lost, anew, unmeasured }) => lost + anew + unmeasured)
  assert.deepEqual(
    moved,
    moved.toSorted((a, b) => b - a),
  )
})

test('names are clean', () => {
  const names = answerWhatIf(sample, { overrides: {} }).byDomain.map(({ domain }) => domain)
  assert.ok(names.includes('__proto__') && names.some(name => name.startsWith('</script>')))
  for (const name of names) assert.doesNotMatch(name, /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)
})

const refusals: [body: unknown, says: RegExp][] = [
  [null, /takes an object of options, not null/],
  [[], /takes an object of options/],
  [{}, /'overrides' takes an object of options, not undefined/],
  [{ overrides: 3 }, /'overrides' takes an object of options, not 3/],
  [{ overrides: {}, deciders: {} }, /no option 'deciders'; there is overrides/],
  [{ overrides: { gopherWrds: { below: 1 } } }, /no column 'gopherWrds'; did you mean 'gopherWords'\?/],
  [{ overrides: JSON.parse('{"__proto__": {"below": 1}}') }, /no column '__proto__'/],
  [{ overrides: { url: { oneOf: ['a'] } } }, /the sample has no column 'url'.*headrace what-if reads every column/],
  [{ overrides: { gopherWords: { belo: 1 } } }, /no option 'belo'; did you mean 'below'\?/],
  [{ overrides: { gopherWords: { below: '1' } } }, /'below' "1": give a number/],
  [{ overrides: { gopherWords: {} } }, /has no bound/],
  [{ overrides: { gopherWords: null } }, /takes an object/],
  [{ overrides: { gopherWords: true } }, /takes an object/],
  [{ overrides: { gopherWords: { oneOf: ['a'] } } }, /'gopherWords' is [uf]\d+: give below or above/],
  [{ overrides: { gopherWords: { noneOf: new Array(65).fill('a') } } }, /has 65 names: give 64 at most/],
  [
    { overrides: { gopherWords: { noneOf: ['a'.repeat(513)] } } },
    /a name of 513 characters: give 512 characters at most/,
  ],
]
for (const [body, says] of refusals)
  test(`${JSON.stringify(body).slice(0, 60)} is refused`, () =>
    assert.throws(() => answerWhatIf(sample, body), { code: 'bad-option', message: says }))

test('of a run of an older version it is said that nothing says what decided it', async () => {
  await copyAsOlder(join(runs, 'plain'))
  const older = await sampleOf('plain-older')
  assert.throws(() => answerWhatIf(older, { overrides: {} }), {
    code: 'bad-option',
    message: /begun by an older version/,
  })
})
