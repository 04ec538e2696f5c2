import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { JournalLog } from '../../../src/log/journal/journal-log.ts'
import { type Log, type Position, readCommitted } from '../../../src/log/log.ts'
import { marksOf } from '../mutate.ts'
import { type Subject, type Target, withChecksums } from '../target.ts'

/** What a log holds: the texts of each topic, and the position. */
interface Content {
  readonly a: readonly string[]
  readonly b: readonly string[]
  readonly position: Position
}

const commitsMax = 12
const options = { segmentBytesMax: 900 }

async function readContent(log: Log): Promise<Content> {
  const read = async (topic: string) => {
    const texts: string[] = []
    for await (const { headers, value, offset } of readCommitted(log, topic)) {
      assert.equal(Number(offset), texts.length)
      texts.push(`${headers.at} ${Buffer.from(value).toString('latin1')}`)
    }
    return texts
  }
  return { a: await read('s.a'), b: await read('s.b'), position: await log.position('s', 1) }
}

/** Commits and remembers what the log held after each. */
async function writeJournal(dir: string): Promise<Content[]> {
  await using log = new JournalLog(dir, { writable: true, ...options })
  await using owner = await log.own('s')
  const contents = [await readContent(log)]
  for (let i = 0; i < commitsMax; i++) {
    const append = (topic: string) => {
      const value = Buffer.from(`${topic} ${i} ${'x'.repeat(i * 7)}`)
      return { topic, partition: 0, headers: { at: String(i) }, value }
    }
    const positions = [{ partition: 1, offset: BigInt(i), slot: i + 1, note: `{"i":${i}}` }]
    await owner.commit({ positions, appends: [append('s.a'), ...(i % 3 ? [append('s.b'), append('s.a')] : [])] })
    contents.push(await readContent(log))
  }
  return contents
}

/** That the log holds all of some commits and nothing else. Returns how many. */
async function countCommits(dir: string, contents: readonly Content[]): Promise<number> {
  await using log = new JournalLog(dir, { writable: false, ...options })
  const content = await readContent(log)
  const count = content.position.slot
  assert.deepEqual(content, contents[count], `the log holds other than its first ${count} commits`)
  return count
}

/** That a process that takes the log over can go on: its commit stands behind those that were there. */
async function goOn(dir: string, before: Content): Promise<void> {
  {
    await using log = new JournalLog(dir, { writable: true, ...options })
    await using owner = await log.own('s')
    const append = { topic: 's.b', partition: 0, headers: { at: 'new' }, value: Buffer.from('more') }
    await owner.commit({ positions: [], appends: [append] })
  }
  await using log = new JournalLog(dir, { writable: false, ...options })
  assert.deepEqual(await readContent(log), { ...before, b: [...before.b, 'new more'] })
}

/** Writes the CRC of each header anew. */
function reseal(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  for (const at of marksOf(copy, 'HRJ1')) {
    if (at + 16 > copy.length) continue
    const length = copy.readUInt32LE(at + 4)
    if (at + 16 + length <= copy.length) copy.writeUInt32LE(crc32(copy.subarray(at + 16, at + 16 + length)), at + 12)
  }
  return copy
}

async function open(dir: string): Promise<Subject> {
  const contents = await writeJournal(join(dir, 'whole'))
  const names = readdirSync(join(dir, 'whole/s')).sort()
  const files = names.map(name => {
    const bytes = readFileSync(join(dir, 'whole/s', name))
    return { name, bytes, marks: marksOf(bytes, 'HRJ1') }
  })
  assert.ok(files.length > 2, 'the journal has one segment')
  const damaged = join(dir, 'damaged')
  return {
    files,
    async check(bytes, index, random) {
      rmSync(damaged, { recursive: true, force: true })
      cpSync(join(dir, 'whole'), damaged, { recursive: true })
      writeFileSync(join(damaged, 's', names[index]), bytes)
      const count = await countCommits(damaged, contents)
      if (random(4) === 0) await goOn(damaged, contents[count])
      return count === commitsMax ? 'whole' : 'tail cut'
    },
  }
}

/** Journals: damage is cut off at the end or reported, never served. */
export const journalTarget: Target = { name: 'journal', cases: 120, open }

/** The same with checksums that fit: the header's JSON then says anything. */
export const journalHeaderTarget = withChecksums(journalTarget, 'journal-header', 60, reseal)
