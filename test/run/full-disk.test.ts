import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashOutput, makeDir, runHeadrace, writeCorpus, writePipeline } from './fixture.ts'

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

test('on a full disk the run stops and says so; with room it goes on to the same bytes', async context => {
  const corpus = await writeCorpus({ seed: 1, files: 4, documentsPerFile: 300 })
  const pipeline = await writePipeline(corpus.dir)
  const dir = await makeDir('disk')
  const disk = await makeDir('small-disk')
  const refusal = await mountDisk(disk, 64 * 1024 * 1024)
  if (refusal) return context.skip(refusal)
  try {
    const run = (where: string) => runHeadrace(['run', pipeline, '--dir', where, '--workers', '2', '--json'])
    assert.equal((await run(dir)).status, 0)
    const filler = join(disk, 'filler')
    const needed = await sizeOf(dir)
    // It is full at the lock, at the run file, in a journal, at the tables, and near the end at a shard and the feed.
    for (const whole of [0, 0.001, 0.01, 0.3, 0.7, 0.95]) {
      const room = Math.max(0, needed * whole - (await sizeOf(disk)))
      const free = await statfs(disk).then(({ bavail, bsize }) => bavail * bsize)
      await writeFile(filler, Buffer.alloc(Math.max(0, Math.floor(free - room))))
      const { status, err } = await run(disk)
      assert.match(
        err,
        /^headrace run: [a-z]+ing .* failed with ENOSPC; what was committed is safe: make room and run the same command again\n$/,
      )
      assert.equal(err.trim().split('\n').length, 1, err)
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
