import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { examineRun } from '../../src/inspect/doctor.ts'
import { putRelease } from '../../src/record/release.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { parseLines, runMain } from '../cli/terminal.ts'
import { hashFiles, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import * as damage from '../verify/damage.ts'

const corpus = await writeCorpus({ seed: 21, files: 6, documentsPerFile: 20 })
const pipeline = await writePipeline(corpus.dir)
const runs = makeFolder('doctor')
const whole = join(runs, 'test')
assert.equal((await runMain(['run', pipeline, '--dir', runs, '--workers', '1'])).status, 0)

const decidedSlots = 2

/** A run as a crash may leave it: two slots are decided, none of their shards is committed, and the tables were lost. */
async function crash(): Promise<string> {
  const dir = await damage.copyRun(whole)
  await damage.rewrite(dir, 'decide', commits => {
    const isBefore = ({ headers }: { headers: Readonly<Record<string, string>> }) => Number(headers.slot) < decidedSlots
    const [first] = commits
    const note = JSON.stringify({ ...JSON.parse(first.positions[0].note), ended: false })
    const positions = [{ partition: 0, offset: BigInt(decidedSlots), slot: decidedSlots, note }]
    return [{ positions, appends: commits.flatMap(({ appends }) => appends).filter(isBefore) }]
  })
  await damage.editFile(dir, /decide.tables$/, bytes => bytes.subarray(0, bytes.readUInt32LE(0) + 8))
  await rm(join(dir, 'log', 'shard'), { recursive: true })
  await rm(join(dir, 'feed'), { recursive: true })
  return dir
}

const doctor = (dir: string) => runMain(['doctor', pipeline, '--dir', dirname(dir), '--run', 'run'], 140)

test('a run that ended: nothing is to be done, and nothing is written', async () => {
  const before = await hashFiles(whole)
  const { status, out, err } = await runMain(['doctor', pipeline, '--dir', runs])
  assert.deepEqual([status, err], [0, ''])
  assert.match(out, /^ {2}lock +held by nobody$/m)
  assert.match(out, /^ {2}decide +\d+ slots, ended$/m)
  assert.match(out, /^ {2}tables +state\/decide.tables holds all \d+ decided slots$/m)
  assert.match(out, /^ {2}input +6 files recorded, all as they were$/m)
  assert.match(out, /^ {2}disk +.* free; the run has .* for .* read, so there is room for /m)
  assert.match(out, /^ {2}dead +broken-json \d: headrace redrive --into NAME reads them$/m)
  assert.match(out, /\nheadrace run would find that the run has ended, and return at once\.\n$/)
  assert.deepEqual(await hashFiles(whole), before)
})

test('a run that crashed: what is done again, and from where', async () => {
  const dir = await crash()
  await writeFile(join(dir, 'shards', 'd1', '00000001.arrow.tmp'), 'x')
  const { out } = await doctor(dir)
  const slots = Number(/annotate +(\d+) slots, ended/.exec(out)![1])
  assert.match(out, new RegExp(`^ {2}decide +2 slots, ${slots - decidedSlots} behind$`, 'm'))
  assert.match(out, /^ {2}shard +0 slots, 2 behind$/m)
  assert.match(out, /^ {2}tables +.* holds 0 slots: 2 slots from 0 on are entered again$/m)
  assert.match(out, /^ {2}shards +2 slots from slot 0 on are filled into shards again$/m)
  assert.match(out, /^ {2}left over +shards\/d1\/00000001.arrow.tmp, shards\/d0\/00000000.arrow, /m)
  const doing = `enter 2 slots into the tables again, decide the ${slots - decidedSlots} slots that are measured, fill shards again from slot 0 and finish the run`
  assert.ok(out.replaceAll('\n', ' ').endsWith(`headrace run would ${doing}. `), out)
  const [json] = parseLines((await runMain(['doctor', pipeline, '--dir', dirname(dir), '--json'])).out)
  assert.equal(json.next, `headrace run would ${doing}.`)
  // And so it does.
  assert.equal((await runMain(['run', pipeline, '--dir', dirname(dir), '--run', 'run', '--workers', '1'])).status, 0)
  assert.match((await doctor(dir)).out, /has ended, and return at once/)
  assert.deepEqual(await hashFiles(join(dir, 'feed')), await hashFiles(join(whole, 'feed')))
})

const trip = {
  ...{ guard: 'g', by: 'domain', group: 'd1', firstSlot: 0, slot: decidedSlots, rows: 100, removed: 90, rate: 0.9 },
  ...{ above: 0.5, below: null, parts: [], samples: [] },
}
const hold = (dir: string) =>
  writeFile(join(dir, 'hold.json'), JSON.stringify({ version: 1, slot: decidedSlots, trips: [trip] }))
const gone = spawnSync(process.execPath, ['--version']).pid
const lock = (dir: string, pid: number, host = hostname()) =>
  writeFile(join(dir, 'lock'), JSON.stringify({ pid, started: '', host, id: 'x' }))

const cases: [string, (dir: string) => Promise<unknown>, RegExp[]][] = [
  [
    'its process runs',
    dir => lock(dir, process.pid),
    [
      /lock +held by process \d+ on .*, which runs/,
      /would be refused: .* is in use by process \d+ on .*: wait for it, or stop it\./,
    ],
  ],
  [
    'its process is gone',
    dir => lock(dir, gone),
    [/lock +held by process \d+ on .*, which is gone: a start takes it over/, /headrace run would enter/],
  ],
  [
    'another machine holds it',
    dir => lock(dir, 1, 'elsewhere'),
    [
      /on elsewhere, another machine/,
      /would be refused: .* runs on another machine; if that is\s+gone for good, delete .*lock/,
    ],
  ],
  [
    'a commit was cut short',
    async dir => appendFile(join(dir, (await damage.filesOf(dir, /annotate.*journal$/))[0]), Buffer.alloc(99, 'x')),
    [
      /log +log\/annotate\/.*: 99 bytes from byte \d+ on are no whole commit and are left behind/,
      /headrace run would enter/,
    ],
  ],
  [
    'a commit is damaged',
    dir => damage.flip(dir, /annotate.*journal$/, bytes => damage.framesOf(bytes)[1].at + 20),
    [
      /log\/annotate\/.*: [\d,]+ bytes from byte \d+ on are damaged/,
      /would be refused: .*log\/annotate\/.* is damaged at byte \d+: restore it/,
    ],
  ],
  ['a guard rail holds it', hold, [/guard +slot 2 is held, not released domain 'd1': 90 of 100 rows/]],
  [
    'a guard rail held it and was released',
    async dir => {
      await hold(dir)
      const groups = [{ guard: 'g', group: 'd1' }]
      await putRelease(dir, {
        kind: 'release',
        slot: decidedSlots,
        groups,
        who: 'w',
        why: 'y',
        at: '2026-01-01T00:00:00Z',
      })
    },
    [/guard +slot 2 is held, released since/, /headrace run would enter/],
  ],
]
for (const [name, prepare, expected] of cases)
  test(`a run that crashed: ${name}`, async () => {
    const dir = await crash()
    await prepare(dir)
    const { status, out } = await doctor(dir)
    assert.equal(status, 0)
    // Where a line ends depends on how long the folder's name is.
    const said = out.replace(/\s+/g, ' ')
    for (const pattern of expected) assert.match(said, pattern)
  })

test('without a pipeline the rest is told', async () => {
  await using run = await RunReader.open(await crash())
  const { found, before, behind, standing } = await examineRun(run, null)
  assert.equal(found.input.unchecked, 'the pipeline is not loaded')
  assert.deepEqual([found.stages[1].slots, standing?.decide.slot], [decidedSlots, decidedSlots])
  assert.deepEqual([before, behind], [null, null])
})

test('input that changed, is missing or is new', async () => {
  const dir = await crash()
  // Slots are still to be read, so that it matters.
  await damage.rewrite(dir, 'annotate', commits =>
    commits.map(commit => ({
      positions: commit.positions.map(one => ({
        ...one,
        note: JSON.stringify({ ...JSON.parse(one.note), ended: false }),
      })),
      appends: commit.appends.filter(({ headers }) => headers.end !== '1'),
    })),
  )
  const first = await readFile(join(corpus.dir, 'part-0.jsonl'))
  await appendFile(join(corpus.dir, 'part-0.jsonl'), '{"text":"more"}\n')
  await rm(join(corpus.dir, 'part-1.jsonl'))
  await writeFile(join(corpus.dir, 'part-9.jsonl'), '{"text":"new"}\n')
  const { out } = await doctor(dir)
  assert.match(
    out,
    /input +6 files recorded, 1\s+changed\s+\(.*part-0.jsonl\),\s+1\s+missing\s+\(.*part-1.jsonl\),\s+1\s+new/,
  )
  assert.match(out.replace(/\s+/g, ' '), /would be refused: .*part-0.jsonl changed since this run began to read it/)
  await writeFile(join(corpus.dir, 'part-0.jsonl'), first)
  const { out: later } = await doctor(dir)
  assert.match(
    later.replace(/\s+/g, ' '),
    /would be refused: .*part-1.jsonl, of 6 that this run has met, can't be found from/,
  )
})

test('a run without a tokenizer has two stages, and doctor and verify know', async () => {
  const input = await writeCorpus({ seed: 22, files: 1, documentsPerFile: 5 })
  const short = await writePipeline(input.dir, glob => `h.pipeline('short').from(h.jsonl(${glob})).decide(h.rules())`)
  const dir = makeFolder('short')
  assert.equal((await runMain(['run', short, '--dir', dir, '--workers', '1'])).status, 0)
  const { status, out, err } = await runMain(['doctor', short, '--dir', dir])
  assert.deepEqual([status, err], [0, ''])
  assert.match(out, /has ended, and return at once/)
  assert.equal((await runMain(['verify', '--dir', dir])).status, 0)
})
