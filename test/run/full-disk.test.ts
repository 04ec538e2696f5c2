import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runUndisturbed } from '../kill/chain.ts'
import { live, makeSubject, runName } from '../kill/life.ts'
import { compareWhole, readOutput } from '../kill/output.ts'
import { makeFolder } from '../temporary.ts'
import { hashOutput, runHeadrace, writeCorpus, writePipeline } from './fixture.ts'

async function sizeOf(dir: string): Promise<number> {
  const names = await readdir(dir, { recursive: true })
  const sizes = await Promise.all(names.map(async name => (await stat(join(dir, name))).size))
  return sizes.reduce((a, b) => a + b, 0)
}

/** Mounts a file system in memory, or says why it can't. */
async function mountDisk(dir: string, bytes: number): Promise<string | null> {
  await mkdir(dir, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir], { stdio: 'pipe' })
    return null
  } catch (error) {
    return `a small disk can't be mounted here: ${(error as { stderr?: Buffer }).stderr ?? error}`
  }
}

/** One line says what failed and what to do; before it may stand lines of progress. */
function checkMessage(err: string): void {
  const said = err.split('\n').filter(line => line.startsWith('headrace'))
  assert.equal(said.length, 1, err)
  assert.match(
    said[0],
    /^headrace run: [a-z]+ing .* failed with ENOSPC; what was committed is safe: make room and run the same command again$/,
  )
  assert.ok(err.endsWith(`${said[0]}\n`), err)
}

test('on a full disk the run stops and says so; with room it goes on to the same bytes', async context => {
  const corpus = await writeCorpus({ seed: 1, files: 2, documentsPerFile: 30 })
  const pipeline = await writePipeline(corpus.dir)
  const dir = makeFolder('disk')
  const disk = makeFolder('small-disk')
  const refusal = await mountDisk(disk, 16 * 1024 * 1024)
  if (refusal) return context.skip(refusal)
  try {
    const run = (where: string) => runHeadrace(['run', pipeline, '--dir', where, '--workers', '1', '--json'])
    assert.equal((await run(dir)).status, 0)
    const filler = join(disk, 'filler')
    const needed = await sizeOf(dir)
    // It is full at the lock, at the run file, and half way.
    for (const whole of [0, 0.001, 0.5]) {
      const room = Math.max(0, needed * whole - (await sizeOf(disk)))
      const free = await statfs(disk).then(({ bavail, bsize }) => bavail * bsize)
      await writeFile(filler, Buffer.alloc(Math.max(0, Math.floor(free - room))))
      const { status, err } = await run(disk)
      checkMessage(err)
      assert.equal(status, 74, err)
      await rm(filler)
    }
    const { status, err } = await run(disk)
    assert.equal(status, 0, err)
    assert.deepEqual(await hashOutput(join(disk, 'test')), await hashOutput(join(dir, 'test')))
  } finally {
    execFileSync('umount', ['-l', disk])
  }
})

// Where a run writes, a point at which the disk becomes full just before, and what the error then names.
const writers: [what: string, point: string, named: RegExp][] = [
  ['a journal of annotate', 'annotate.frame.before', /log\/annotate\/\d+[^/]*\.journal/],
  ['a journal of decide', 'decide.frame.before', /log\/decide\/\d+[^/]*\.journal/],
  ['the state', 'state.seal.before', /state\/decide\.tables/],
  ['a shard', 'shard.file.created', /shards\/[^/]+\/\d+\.arrow/],
  ['the manifest', 'shard.frame.before', /log\/shard\/\d+[^/]*\.journal/],
  ['a block', 'block.created', /feed\/blocks\/[^/]+\/\d+\.arrow/],
  ['the ledger', 'ledger.append.before', /feed\/steps\/\d+\.jsonl/],
  ['the head', 'head.created', /feed\/head\.json/],
]

/** A small write may still find room in a page that its file has, or another stage may meet the full disk first: then once more. */
const triesMax = 6

test('a disk that becomes full at one writer after the other stops the run each time, and with room the bytes are the same', async context => {
  const subject = await makeSubject({ seed: 2, documentsPerFile: 8 })
  const reference = await runUndisturbed(subject, 1)
  const disk = makeFolder('small-disk')
  const refusal = await mountDisk(disk, 16 * 1024 * 1024)
  if (refusal) return context.skip(refusal)
  const filler = join(disk, 'filler')
  try {
    for (const [what, point, named] of writers) {
      const met: string[] = []
      while (!met.some(err => named.test(err))) {
        assert.ok(met.length < triesMax, `${what} never met the full disk: ${met.join('')}`)
        const life = await live(subject, disk, { workers: 1, kill: { point, nth: 1 }, fill: filler })
        assert.equal(life.status, 74, `${what}: ${life.err}`)
        checkMessage(life.err)
        met.push(life.err)
        await rm(filler)
      }
    }
    const { status, err } = await live(subject, disk, { workers: 1, kill: null })
    assert.equal(status, 0, err)
    assert.deepEqual(compareWhole(reference.output, await readOutput(join(disk, runName))), { bytes: 0, files: [] })
  } finally {
    execFileSync('umount', ['-l', disk])
  }
})
