import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { Log } from '../../../src/log/log.ts'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import { pipeline } from '../../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../../src/pipeline/plan.ts'
import { readLoadNote } from '../../../src/record/notes.ts'
import { readSplits } from '../../../src/record/splits.ts'
import type { RunEvent } from '../../../src/run/events.ts'
import { loadAll } from '../../../src/run/load/load-stage.ts'
import type { Pool } from '../../../src/run/measure/pool.ts'
import type { WatchFolders } from '../../../src/sources/files/follow.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { textFolder } from '../../../src/sources/files/text-folder.ts'
import { parquet } from '../../../src/sources/parquet/parquet.ts'
import type { Source } from '../../../src/sources/source.ts'
import { makeFolder } from '../../temporary.ts'
import { contextOf } from '../context.ts'
import { asOwner, crashing } from '../fixture.ts'

// What a start does about input that is gone, moved or another than the run has met.
const shape = { partitions: 1, lanes: 2 }
const text = 'x'.repeat(300_000)
const contents = {
  jsonl: `${JSON.stringify({ text })}\n`.repeat(4),
  txt: text,
  parquet: Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'text', data: [text, text], type: 'STRING' }] })),
}
const sources: Record<keyof typeof contents, (folder: string) => Source> = {
  jsonl: folder => jsonl(join(folder, '**/*.jsonl')),
  txt: textFolder,
  parquet: folder => parquet(join(folder, '**/*.parquet')),
}

function makeInput(ending: keyof typeof contents): string {
  const folder = join(makeFolder('input'), 'data')
  for (const part of ['a', 'b']) {
    mkdirSync(join(folder, part), { recursive: true })
    for (const name of ['1', '2', '3']) writeFileSync(join(folder, part, `${name}.${ending}`), contents[ending])
  }
  return folder
}

interface Given {
  readonly drain?: AbortSignal
  readonly events?: RunEvent[]
}

/** Loads until the source ends, the drain or an error. */
async function load(log: Log, source: Source, { drain = new AbortController().signal, events = [] }: Given = {}) {
  const failure = new AbortController()
  const plan = planPipeline(pipeline('p').from(source))
  const watch = (event: RunEvent) => void events.push(event)
  const pool = { size: 1 } as Pool
  const context = contextOf({ plan, log, pool, shape, drain, failed: failure.signal, watch })
  const more = { settle: async () => {}, addLast: async () => false, [Symbol.asyncDispose]: async () => {} }
  try {
    await asOwner(context, 'annotate', owner =>
      loadAll(context, owner, { encode: async () => [], openMore: async () => more }),
    )
  } finally {
    failure.abort()
  }
}

/** A run that died after its second commit. */
async function dieEarly(source: Source): Promise<MemoryLog> {
  const log = new MemoryLog()
  await assert.rejects(load(crashing(log, 1, true), source), /crash/)
  return log
}

const standing = async (log: Log) => (await log.position('annotate', 0)).note
const isEnded = async (log: Log) => readLoadNote({ note: await standing(log) }).ended

/** What happens to the input between two starts, and how it is undone. */
const losses: Record<string, (folder: string) => () => void> = {
  'the file that was being read': folder => hide(firstOf(join(folder, 'a'))),
  'a file that was not begun': folder => hide(firstOf(join(folder, 'b'))),
  'a folder, as of a mount': folder => hide(join(folder, 'b')),
  'the whole folder': hide,
  'all files': folder => {
    const undo = ['a', 'b'].map(part => hide(join(folder, part)))
    return () => {
      for (const show of undo) show()
    }
  },
}

const firstOf = (folder: string) => join(folder, readdirSync(folder).sort()[0])
function hide(path: string): () => void {
  const hidden = `${path}.hidden`
  renameSync(path, hidden)
  return () => renameSync(hidden, path)
}

for (const ending of Object.keys(contents) as (keyof typeof contents)[])
  for (const [what, lose] of Object.entries(losses))
    test(`${what} (${ending}) gone, a start is refused before it commits, and goes on when all is back`, async () => {
      const folder = makeInput(ending)
      const log = await dieEarly(sources[ending](folder))
      const before = await standing(log)
      const restore = lose(folder)
      await assert.rejects(load(log, sources[ending](folder)), {
        code: 'source-changed',
        exit: 65,
        message: /restore|place/,
      })
      assert.equal(await standing(log), before)
      restore()
      await load(log, sources[ending](folder))
      assert.ok(await isEnded(log))
    })

test('started in another folder, with other files of the same pattern, a run is refused and says where it looked', async () => {
  const [here, there] = [makeInput('jsonl'), makeInput('jsonl')]
  const began = process.cwd()
  try {
    process.chdir(here)
    const log = await dieEarly(jsonl('**/*.jsonl'))
    writeFileSync(join(there, 'other.jsonl'), '')
    for (const part of ['a', 'b']) rmSync(join(there, part), { recursive: true })
    process.chdir(there)
    await assert.rejects(load(log, jsonl('**/*.jsonl')), ({ code, message }) => {
      assert.match(message, new RegExp(`can't be found from ${there}.*start it where it was begun`))
      return code === 'source-changed'
    })
  } finally {
    process.chdir(began)
  }
})

test('a run that has loaded everything needs its input no more', async () => {
  const folder = makeInput('jsonl')
  const source = jsonl(join(folder, '**/*.jsonl'))
  const log = new MemoryLog()
  await load(log, source)
  writeFileSync(join(folder, 'late.jsonl'), 'x')
  const events: RunEvent[] = []
  // Names are enough: of 200,000 files no one is opened.
  await load(log, { ...source, splits: () => assert.fail('files are stamped') }, { events })
  rmSync(folder, { recursive: true })
  await load(log, source, { events })
  const told = events.flatMap(event => (event.kind === 'later-splits' ? event.splits : []))
  assert.deepEqual(told, [1, 0])
})

/** Looks so often, with what happens before each look. */
const script = (looks: readonly (() => void)[], end: AbortController): WatchFolders =>
  async function* () {
    for (const happen of looks) {
      happen()
      yield
    }
    end.abort()
  }

test('a follower needs what it has not read, and not what was cleared away since', async () => {
  const folder = makeInput('jsonl')
  const follow = (looks: readonly (() => void)[], end: AbortController) =>
    jsonl(join(folder, '**/*.jsonl'), { follow: true }, script(looks, end))
  const log = await dieEarly(follow([() => {}], new AbortController()))
  const note = await standing(log)
  const { lanes } = readLoadNote({ note }).load!
  const splits = await readSplits(log, shape)
  const unread = splits[lanes[0].split].name
  const show = hide(unread)
  const end = new AbortController()
  await assert.rejects(load(log, follow([() => {}], end), { drain: end.signal }), { code: 'source-changed' })
  assert.equal(await standing(log), note)
  show()
  await load(log, sources.jsonl(folder))
})

test('a follower tells at once that a file changed after it was listed, and the next start refuses it', async () => {
  const folder = makeInput('jsonl')
  const changed = firstOf(join(folder, 'a'))
  const end = new AbortController()
  const events: RunEvent[] = []
  const looks = [() => {}, () => writeFileSync(changed, '{"text":"new"}\n'), () => {}]
  const source = jsonl(join(folder, '**/*.jsonl'), { follow: true }, script(looks, end))
  const log = new MemoryLog()
  // The lanes may meet the change before the look does: that stops the run, and is told too.
  await load(log, source, { drain: end.signal, events }).catch(({ code }) => assert.equal(code, 'source-changed'))
  const told = events.flatMap(event => (event.kind === 'split-changed' ? event.split : []))
  assert.deepEqual(told, [changed])
  if ((await readSplits(log, shape)).some(({ name }) => name === changed))
    await assert.rejects(load(log, sources.jsonl(folder)), { code: 'source-changed', message: /changed since/ })
})

test('what was read of each file is recorded once it was read to its end', async () => {
  for (const ending of Object.keys(contents) as (keyof typeof contents)[]) {
    const folder = makeInput(ending)
    const log = await dieEarly(sources[ending](folder))
    await load(log, sources[ending](folder))
    const splits = await readSplits(log, shape)
    assert.equal(splits.length, 6)
    const [{ seen }] = splits
    assert.match(seen!, new RegExp(`^${Buffer.from(contents[ending]).length}-[0-9a-f]{32}$`))
    assert.deepEqual([...new Set(splits.map(split => split.seen))], [seen])
  }
})

test('an edit of the same length in the middle, in what a dead run has read, is refused by the next start', async () => {
  const folder = makeFolder('edited')
  const file = join(folder, 'a.jsonl')
  writeFileSync(file, `${JSON.stringify({ text })}\n`.repeat(8))
  const log = await dieEarly(jsonl(file))
  const note = await standing(log)
  const bytes = readFileSync(file)
  bytes[200_000] ^= 1
  writeFileSync(file, bytes)
  await assert.rejects(load(log, jsonl(file)), { code: 'source-changed', message: /first \d+ bytes are others now/ })
  assert.equal(await standing(log), note)
  bytes[200_000] ^= 1
  writeFileSync(file, bytes)
  await load(log, jsonl(file))
  assert.ok(await isEnded(log))
})
