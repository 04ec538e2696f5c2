import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFile, copyFile, open, readdir, readFile, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Commit, type Log, readCommitted } from '../../../src/log/log.ts'
import { makeFolder } from '../../temporary.ts'
import type { LogModules } from './broken.ts'

const commitOf = (text: string, slot = 0, topic = 's.a'): Commit => ({
  positions: [{ partition: 0, offset: BigInt(slot), slot, note: '' }],
  appends: [{ topic, partition: 0, headers: {}, value: Buffer.from(text) }],
})

async function readTexts(log: Log, topic = 's.a', from = 0n): Promise<string[]> {
  const texts: string[] = []
  for await (const { value } of readCommitted(log, topic, 0, from)) texts.push(Buffer.from(value).toString())
  return texts
}

const journalsOf = async (dir: string) =>
  (await readdir(join(dir, 's'))).filter(name => name.endsWith('.journal')).sort()

/** A start that takes the stage over, commits `texts` and ends. */
async function start({ JournalLog }: LogModules, dir: string, ...texts: string[]): Promise<void> {
  await using log = new JournalLog(dir, { writable: true })
  const owner = await log.own('s')
  for (const text of texts) await owner.commit({ positions: [], appends: commitOf(text).appends })
}

/** The same by another process, while this one waits. */
function takeOver({ journalUrl }: LogModules, dir: string, ...texts: string[]): void {
  const script = `
    import { JournalLog } from ${JSON.stringify(journalUrl)}
    await using log = new JournalLog(${JSON.stringify(dir)}, { writable: true })
    const owner = await log.own('s')
    for (const text of ${JSON.stringify(texts)})
      await owner.commit({ positions: [], appends: [{ topic: 's.a', partition: 0, headers: {}, value: Buffer.from(text) }] })`
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' })
}

/** A process that owns the stage, has committed `texts`, and hangs in its next commit while `between` happens. */
async function hang(log: LogModules, between: (dir: string) => void, texts: readonly string[] = ['0', '1']) {
  const dir = makeFolder('promise')
  let isHanging = false
  const zombie = new log.JournalLog(dir, { writable: true, checkOwner: () => isHanging && between(dir) })
  const owner = await zombie.own('s')
  for (const [i, text] of texts.entries()) await owner.commit(commitOf(text, i))
  isHanging = true
  return { dir, zombie, owner }
}

/** What the embedded log promises beyond what every log does, each in a line, as checks that throw. */
export const promises: Record<string, (log: LogModules) => Promise<void>> = {
  'who hangs between its last look and its write is told that it was fenced': async log => {
    const { owner, zombie } = await hang(log, dir => takeOver(log, dir, '2'))
    await using _zombie = zombie
    await assert.rejects(owner.commit(commitOf('zombie', 9)), { code: 'fenced' })
    await assert.rejects(owner.commit(commitOf('again', 9)), { code: 'fenced' })
  },
  'the frame of who hung is in no history, for readers, successors and checkers': async log => {
    const { dir, owner, zombie } = await hang(log, dir => takeOver(log, dir, '2'))
    await using _zombie = zombie
    await owner.commit(commitOf('zombie', 9)).catch(() => {})
    for (const writable of [false, true]) {
      await using other = new log.JournalLog(dir, { writable })
      assert.deepEqual(await readTexts(other), ['0', '1', '2'])
      assert.equal((await other.position('s', 0)).slot, 1)
    }
    await start(log, dir, '3')
    await using last = new log.JournalLog(dir, { writable: false })
    assert.deepEqual(await readTexts(last), ['0', '1', '2', '3'])
  },
  'bytes that a fenced process writes into a file that stays are ignored, torn, whole or doubled': async log => {
    const big = 'x'.repeat(1100 * 1024)
    for (const tail of ['torn', 'whole', 'twice', 'zeros']) {
      const dir = makeFolder('promise')
      {
        await using first = new log.JournalLog(dir, { writable: true })
        const owner = await first.own('s')
        for (const text of [big, '1']) await owner.commit(commitOf(text))
      }
      const old = join(dir, 's', (await journalsOf(dir))[0])
      // A frame as the fenced process would write it: the number is that of its successor's first commit.
      const zombie = await frameOf(log, [big, '1', 'zombie'])
      await start(log, dir, '2')
      const bytes = {
        torn: zombie.subarray(0, -9),
        whole: zombie,
        twice: Buffer.concat([zombie, zombie]),
        zeros: Buffer.alloc(64),
      }
      await appendFile(old, bytes[tail as keyof typeof bytes])
      for (const writable of [false, true]) {
        await using other = new log.JournalLog(dir, { writable })
        assert.deepEqual(
          (await readTexts(other)).map(text => text.slice(0, 9)),
          ['xxxxxxxxx', '1', '2'],
          tail,
        )
      }
    }
  },
  'a file that a fenced process makes late changes nothing, though what stood around it was trimmed': async log => {
    const dir = makeFolder('promise')
    {
      await using first = new log.JournalLog(dir, { writable: true, segmentBytesMax: 1 })
      const owner = await first.own('s')
      for (const i of [0, 1]) await owner.commit(commitOf(`${i}`))
    }
    // The file with which a process of epoch 2 would begin, if it were not fenced before.
    const late = join(makeFolder('promise'), 'late')
    await start(log, dir)
    const name = (await journalsOf(dir)).find(name => name.endsWith('-000002.journal'))!
    await copyFile(join(dir, 's', name), late)
    {
      await using third = new log.JournalLog(dir, { writable: true, segmentBytesMax: 1 })
      const owner = await third.own('s')
      for (const i of [2, 3, 4, 5]) await owner.commit(commitOf(`${i}`))
      await third.trim('s.a', 0, 5n)
    }
    await copyFile(late, join(dir, 's', name))
    for (const writable of [false, true]) {
      await using other = new log.JournalLog(dir, { writable })
      assert.deepEqual(await readTexts(other, 's.a', 5n), ['5'])
      assert.equal((await other.bounds('s.a', 0)).next, 6n)
    }
  },
  'a stage goes on when its last commit before a start was never synced and is lost with the power': async log => {
    const dir = makeFolder('promise')
    const big = 'x'.repeat(600 * 1024)
    {
      await using first = new log.JournalLog(dir, { writable: true })
      const owner = await first.own('s')
      for (const i of [0, 1, 2]) await owner.commit(commitOf(big + i))
    }
    const old = join(dir, 's', (await journalsOf(dir))[0])
    await start(log, dir, '3')
    await truncate(old, (await readFile(old)).length - 1000)
    await using other = new log.JournalLog(dir, { writable: true })
    assert.deepEqual(
      (await readTexts(other)).map(text => text.at(-1)),
      ['0', '1', '2', '3'],
    )
  },
  'a commit is synced before it is said to be done, and a file before it has its name': async log => {
    const dir = makeFolder('promise')
    const calls = await recordCalls(async () => {
      await using one = new log.JournalLog(dir, { writable: true })
      const owner = await one.own('s')
      await owner.commit(commitOf('0'))
    })
    assert.equal(calls.join(' '), 'writev datasync writev datasync')
  },
  'after a write or a sync that failed nothing more is committed; a start goes on': async log => {
    for (const method of ['writev', 'datasync'] as const) {
      const dir = makeFolder('promise')
      {
        await using one = new log.JournalLog(dir, { writable: true })
        const owner = await one.own('s')
        await owner.commit(commitOf('0'))
        const refused = { code: 'disk', message: /failed with EIO/ }
        await failCalls(method, () => assert.rejects(owner.commit(commitOf('1')), refused))
        await assert.rejects(owner.commit(commitOf('2')), { code: 'disk' })
        assert.deepEqual(await readTexts(one), ['0'])
      }
      await using other = new log.JournalLog(dir, { writable: true })
      const owner = await other.own('s')
      await owner.commit(commitOf('3'))
      // The failed commit may have happened.
      assert.deepEqual(await readTexts(other), method === 'writev' ? ['0', '3'] : ['0', '1', '3'])
    }
  },
  'no commit is done once the lock was removed by hand, whoever took it': async log => {
    const dir = makeFolder('promise')
    await using lock = await log.lockDirectory(dir)
    await using mine = new log.JournalLog(join(dir, 'log'), { writable: true, checkOwner: () => lock.check() })
    const owner = await mine.own('s')
    await owner.commit(commitOf('0'))
    await unlink(join(dir, 'lock'))
    await using _other = await log.lockDirectory(dir)
    await assert.rejects(owner.commit(commitOf('1')), { code: 'fenced' })
    assert.deepEqual(await readTexts(mine), ['0'])
  },
  'a value that does not match its checksum is never served': async log => {
    const dir = makeFolder('promise')
    {
      await using first = new log.JournalLog(dir, { writable: true })
      const owner = await first.own('s')
      for (const text of ['first one', 'last one']) await owner.commit(commitOf(text))
    }
    const path = join(dir, 's', (await journalsOf(dir))[0])
    const bytes = await readFile(path)
    bytes[bytes.indexOf('first one')] ^= 1
    await writeFile(path, bytes)
    for (const writable of [false, true]) {
      await using other = new log.JournalLog(dir, { writable })
      await assert.rejects(readTexts(other), { code: 'corrupt', message: /entry s\.a\/0:0 in .* does not match/ })
    }
  },
  'offsets and positions of a stage go on from what a file says at its beginning': async log => {
    const dir = makeFolder('promise')
    {
      await using first = new log.JournalLog(dir, { writable: true, segmentBytesMax: 1 })
      const owner = await first.own('s')
      await owner.commit(commitOf('0', 7, 's.b'))
      await owner.commit({ positions: [], appends: commitOf('1').appends })
      await owner.commit({ positions: [], appends: [] })
      for (const topic of ['s.a', 's.b']) await first.trim(topic, 0, 1n)
    }
    await using other = new log.JournalLog(dir, { writable: true })
    assert.equal((await journalsOf(dir)).length <= 2, true, 'the rest was trimmed')
    assert.deepEqual(await other.bounds('s.b', 0), { first: 1n, next: 1n })
    assert.deepEqual(await other.bounds('s.a', 0), { first: 1n, next: 1n })
    assert.equal((await other.position('s', 0)).slot, 7)
  },
  'a file that is missing between others is damage, not a shorter history': async log => {
    const dir = makeFolder('promise')
    {
      await using first = new log.JournalLog(dir, { writable: true, segmentBytesMax: 1 })
      const owner = await first.own('s')
      for (const i of [0, 1, 2]) await owner.commit(commitOf(`${i}`))
    }
    await unlink(join(dir, 's', (await journalsOf(dir))[1]))
    const [damaged] = await journalsOf(dir)
    await using other = new log.JournalLog(dir, { writable: false })
    await assert.rejects(readTexts(other), { code: 'corrupt', message: new RegExp(damaged) })
  },
  'a log of many files keeps few of them open and reads many topics at once': async log => {
    const dir = makeFolder('promise')
    const topics = Array.from({ length: 8 }, (_, i) => `s.${i}`)
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`)
    {
      await using first = new log.JournalLog(dir, { writable: true, segmentBytesMax: 1 })
      const owner = await first.own('s')
      for (const text of texts)
        await owner.commit({ positions: [], appends: topics.flatMap(topic => commitOf(text, 0, topic).appends) })
    }
    await using other = new log.JournalLog(dir, { writable: false, openFilesMax: 3 })
    // Each at another place, so that each needs another file.
    const readers = texts.map((_, i) => readTexts(other, topics[i % topics.length], BigInt(i)))
    assert.deepEqual(
      await Promise.all(readers),
      texts.map((_, i) => texts.slice(i)),
    )
    const links = await countOpen(dir)
    assert.ok(links === null || (links > 0 && links <= 4), `${links} files are open`)
  },
  'a reader that was there before a start reads on, though the start replaced a file': async log => {
    const dir = makeFolder('promise')
    await start(log, dir, '0', '1')
    await using reader = new log.JournalLog(dir, { writable: false, openFilesMax: 0 })
    assert.deepEqual(await reader.bounds('s.a', 0), { first: 0n, next: 2n })
    await start(log, dir, '2')
    assert.deepEqual(await readTexts(reader), ['0', '1'])
  },
  'starts that change nothing leave one file': async log => {
    const dir = makeFolder('promise')
    for (const text of ['0', '1', '2']) await start(log, dir, text)
    for (let i = 0; i < 3; i++) {
      await using other = new log.JournalLog(dir, { writable: true })
      assert.deepEqual(await readTexts(other), ['0', '1', '2'])
    }
    assert.equal((await readdir(join(dir, 's'))).length, 2, 'a journal and its claim')
  },
}

/** The bytes of the last of some commits as a process writes them. */
async function frameOf(log: LogModules, texts: readonly string[]): Promise<Buffer> {
  const dir = makeFolder('promise')
  await using one = new log.JournalLog(dir, { writable: true })
  const owner = await one.own('s')
  let before = 0
  const path = async () => join(dir, 's', (await journalsOf(dir))[0])
  for (const text of texts) {
    before = (await readFile(await path())).length
    await owner.commit(commitOf(text))
  }
  return (await readFile(await path())).subarray(before)
}

type Call = 'writev' | 'datasync'

/** Runs `work` while `wrap` stands around what is called on open files. */
async function wrapCalls(
  wrap: (name: Call, real: () => Promise<unknown>) => Promise<unknown>,
  work: () => Promise<unknown>,
) {
  const file = await open(process.execPath)
  const type = Object.getPrototypeOf(file)
  await file.close()
  const real = { writev: type.writev, datasync: type.datasync }
  for (const name of ['writev', 'datasync'] as const)
    type[name] = function (...args: unknown[]) {
      return wrap(name, () => real[name].apply(this, args))
    }
  try {
    await work()
  } finally {
    Object.assign(type, real)
  }
}

/** What is called on open files meanwhile, in order of the answers. */
async function recordCalls(work: () => Promise<void>): Promise<string[]> {
  const calls: string[] = []
  await wrapCalls(async (name, real) => {
    const result = await real()
    calls.push(name)
    return result
  }, work)
  return calls
}

function failCalls(failing: Call, work: () => Promise<void>): Promise<void> {
  const eio = Object.assign(new Error('EIO'), { code: 'EIO' })
  return wrapCalls((name, real) => (name === failing ? Promise.reject(eio) : real()), work)
}

/** How many files below a folder this process has open; null where the system does not say. */
async function countOpen(dir: string): Promise<number | null> {
  const { readlink } = await import('node:fs/promises')
  const names = await readdir('/proc/self/fd').catch(() => null)
  if (!names) return null
  const paths = await Promise.all(names.map(name => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return paths.filter(path => path.startsWith(dir)).length
}
