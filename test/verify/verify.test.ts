import assert from 'node:assert/strict'
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { numbers } from '../../src/batch/batch.ts'
import { type Address, addressOf } from '../../src/decide/decider.ts'
import { JournalLog } from '../../src/log/journal/journal-log.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { Check } from '../../src/verify/check.ts'
import { JournalScan } from '../../src/verify/journal.ts'
import { type Verification, verifyRun } from '../../src/verify/verify.ts'
import { parseLines, runMain } from '../cli/terminal.ts'
import { follow, hashFiles, runUntilCommit, smallSlots, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { damageCases } from './cases.ts'
import * as damage from './damage.ts'
import { foreignCases } from './foreign-cases.ts'

const corpus = await writeCorpus({ seed: 11, files: 6, documentsPerFile: 40 })
const pipeline = await writePipeline(
  corpus.dir,
  glob => `h.pipeline('test').from(h.jsonl(${glob})).annotate(h.normalize(), h.gopherQuality(), h.signature())
    .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates()).tokenize('gpt2').feed({ length: 256, batch: 4 })`,
)
const runs = makeFolder('verify-runs')
const whole = join(runs, 'test')
assert.equal((await runMain(['run', pipeline, '--dir', runs, '--workers', '1'])).status, 0)
assert.equal((await runMain(['materialise', '--dir', runs])).status, 0)

async function verify(dir: string): Promise<Verification> {
  await using run = await RunReader.open(dir)
  return await verifyRun(run, { steps: 3 })
}

const failing = ({ checks }: Verification) => checks.filter(check => check.failures > 0).map(check => check.name)

test('a run that ended holds, every row has something to check, and nothing is written', async () => {
  const before = await hashFiles(whole)
  const { checks, isSound } = await verify(whole)
  assert.deepEqual([isSound, checks.flatMap(({ problems, notes }) => [...problems, ...notes])], [true, []])
  assert.deepEqual(
    checks.filter(check => check.counted === 0),
    [],
  )
  const documents = checks.find(check => check.name === 'fates')!.counted
  assert.equal(documents, corpus.documents)
  const { status, out } = await runMain(['verify', '--dir', runs])
  assert.equal(status, 0)
  assert.match(out, /^fates +240 +rows +holds$/m)
  assert.match(out, /\nAll of it holds; .* read in /)
  assert.deepEqual(await hashFiles(whole), before)
})

/** Where a row was dropped. */
async function findDrop(): Promise<Address> {
  await using run = await RunReader.open(whole)
  for await (const { slot, drops } of run.slots()) if (drops) return addressOf(slot, numbers(drops, 'row')[0])
  throw new Error('nothing was dropped')
}

const told = new Set<string>()
for (const [name, doDamage, row, file, place = /./] of [...damageCases(await findDrop()), ...foreignCases])
  test(`damage is found and placed: ${name}`, async () => {
    const dir = await damage.copyRun(whole)
    await doDamage(dir)
    const found = await verify(dir)
    assert.ok(failing(found).includes(row), `${row} does not fail, but ${failing(found)}`)
    const { problems } = found.checks.find(check => check.name === row)!
    const isNamed = problems.some(
      problem => file.test(problem.file) && (place.source === '.' || place.test(problem.place)),
    )
    assert.ok(isNamed, JSON.stringify(problems, null, 1))
    told.add(row)
  })

test('input that is another than was read is found, and input that is gone is not checked, which is said', async () => {
  const file = join(corpus.dir, 'part-3.jsonl')
  const bytes = await readFile(file)
  for (const edit of [flipMiddle(bytes), bytes.subarray(0, bytes.length - 1)]) {
    await writeFile(file, edit)
    const found = await verify(whole)
    assert.deepEqual([failing(found), found.checks.at(-1)!.problems.map(problem => problem.file)], [['input'], [file]])
  }
  // What stands behind the part that was read is a later file's affair.
  await writeFile(file, Buffer.concat([bytes, Buffer.from('{}\n')]))
  assert.deepEqual(failing(await verify(whole)), [])
  await rm(file)
  const { isSound, unchecked, checks } = await verify(whole)
  assert.deepEqual([isSound, checks.at(-1)!.counted], [true, 5])
  assert.match(unchecked.join(), /part-3\.jsonl is not to be found from/)
  await writeFile(file, bytes)
  told.add('input')
})

function flipMiddle(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy[bytes.length >> 1] ^= 1
  return copy
}

test('every check has damage that makes it fail', async () => {
  assert.deepEqual([...told].sort(), (await verify(whole)).checks.map(check => check.name).sort())
})

test('damage ends the command with 65, its table, file, byte and advice', async () => {
  const dir = await damage.copyRun(whole)
  await damage.flip(dir, /^shards\/d0\/0+\.arrow$/, 0.4)
  const { status, out } = await runMain(['verify', '--dir', dirname(dir)])
  assert.equal(status, 65)
  assert.match(out, /^shards +3 +files +1 failure$/m)
  assert.match(out, /\nshards: shards\/d0\/00000000.arrow\n {2}its SHA-256 is .*\n.*\n? {2}restore it from a copy/)
  assert.match(out, /\n1 row of the table does not hold; /)
  const [json] = parseLines((await runMain(['verify', '--dir', dirname(dir), '--json'])).out)
  assert.deepEqual([json.run, json.sound], ['run', false])
})

test('what a crash leaves is told in notes, and holds', async () => {
  const cases: [string, (dir: string) => Promise<unknown>, RegExp][] = [
    [
      'a commit cut short',
      async dir =>
        appendFile(join(dir, (await damage.filesOf(dir, /annotate.*journal$/))[0]), Buffer.alloc(99, 'HRJ1')),
      /99 bytes are no whole frame/,
    ],
    [
      'a seal cut short',
      dir => appendFile(join(dir, 'state', 'decide.tables'), Buffer.from([9, 0, 0, 0, 1])),
      /5 bytes from byte/,
    ],
    [
      'tables that lag',
      dir => damage.editFile(dir, /decide.tables$/, bytes => bytes.subarray(0, bytes.readUInt32LE(0) + 8)),
      /lags \d+ slots/,
    ],
    [
      'steps that are not published',
      async dir => appendFile(join(dir, 'feed', 'steps', '00000000.jsonl'), '{"step":'),
      /not published/,
    ],
  ]
  for (const [name, leave, note] of cases) {
    const dir = await damage.copyRun(whole)
    await leave(dir)
    const { checks, isSound } = await verify(dir)
    assert.deepEqual([isSound, checks.flatMap(check => check.problems)], [true, []], name)
    assert.match(checks.flatMap(check => check.notes).join('\n'), note, name)
  }
})

test('a journal of several files: one that is gone, and frames of a former owner', async () => {
  const dir = makeFolder('verify-journal')
  const write = async (value: string, count: number) => {
    await using log = new JournalLog(join(dir, 'log'), { writable: true, segmentBytesMax: 1 })
    await using owner = await log.own('a')
    for (let i = 0; i < count; i++)
      await owner.commit({
        positions: [],
        appends: [{ topic: 'a.b', partition: 0, headers: {}, value: Buffer.from(value) }],
      })
  }
  await write('first', 4)
  const scan = async (folder: string) => {
    const check = new Check('journals', 'frames')
    await using journal = await JournalScan.open(folder, 'a', check)
    const commits: number[] = []
    for await (const { header } of journal.frames()) commits.push(header.commit)
    return { commits, what: check.problems.map(({ file, place, what }) => `${file} ${place}: ${what}`).join('\n') }
  }
  const names = await damage.filesOf(dir, /journal$/)
  const former = await readFile(join(dir, names.at(-1)!))
  await write('second', 2)
  assert.deepEqual(await scan(dir), { commits: [0, 1, 2, 3, 4, 5], what: '' })
  await writeFile(join(dir, names.at(-1)!), Buffer.concat([former, former.subarray(damage.framesOf(former)[1].at)]))
  assert.deepEqual(
    await scan(dir),
    { commits: [0, 1, 2, 3, 4, 5], what: '' },
    "a former owner's frame counts for nothing",
  )
  for (const [index, what] of [
    [0, /begins with commit 1: the files before are missing/],
    [1, /-000001\.journal byte \d+: the file ends with commit 0, and the next one begins with 2/],
  ] as const) {
    const copy = await damage.copyRun(dir)
    await damage.remove(copy, new RegExp(names[index]))
    assert.match((await scan(copy)).what, what)
  }
})

test('a run is verified while it is at work, and after it was killed', async () => {
  const dir = makeFolder('verify-active')
  const big = await writeCorpus({ seed: 12, files: 6, documentsPerFile: 60 })
  const file = await writePipeline(big.dir)
  const args = ['run', file, '--dir', dir, '--workers', '1', '--json']
  const killed = await runUntilCommit(args, { runDir: join(dir, 'test'), signal: 'SIGKILL' })
  assert.equal(killed.signal, 'SIGKILL')
  const after = await verify(join(dir, 'test'))
  assert.deepEqual([after.isSound, after.checks.flatMap(check => check.problems)], [true, []])
  // It is at work until it is told to stop.
  const { status, err } = await follow(
    args,
    async () => {
      for (let decided = 0; decided < big.documents; ) {
        const { isSound, checks } = await verify(join(dir, 'test'))
        assert.deepEqual([isSound, checks.flatMap(check => check.problems)], [true, []])
        decided = checks.find(check => check.name === 'fates')!.counted
      }
    },
    smallSlots,
  )
  assert.equal(status, 130, err)
  assert.deepEqual(failing(await verify(join(dir, 'test'))), [])
})
