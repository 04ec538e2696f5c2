import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../../temporary.ts'
import { examine } from '../examine.ts'

const { check, mutate } = examine<typeof import('../../../src/run/spread/claim.ts')>('spread/claim.ts')

check('the last one to claim a stage has it; the one before is told when it asks', async ({ claimStage }) => {
  const dir = makeFolder('claim')
  const first = await claimStage(dir, 'shard')
  first()
  const second = await claimStage(dir, 'shard')
  second()
  assert.throws(first, {
    code: 'fenced',
    message: /shard\.json doesn't name this process: stage 'shard' is another's now/,
  })
  const third = await claimStage(dir, 'shard')
  third()
  for (const former of [first, second]) assert.throws(former, { code: 'fenced' })
})

check('stages are claimed one by one', async ({ claimStage }) => {
  const dir = makeFolder('claim')
  const [shard, decide] = [await claimStage(dir, 'shard'), await claimStage(dir, 'decide')]
  shard()
  decide()
  assert.deepEqual((await readdir(join(dir, 'owners'))).sort(), ['decide.json', 'shard.json'])
})

check('the mark says whose it is', async ({ claimStage }) => {
  const dir = makeFolder('claim')
  await claimStage(dir, 'shard')
  const { stage, pid, host } = JSON.parse(await readFile(join(dir, 'owners', 'shard.json'), 'utf8'))
  assert.deepEqual([stage, pid, typeof host], ['shard', process.pid, 'string'])
})

check('a mark that is gone or damaged is nobody’s', async ({ claimStage }) => {
  const dir = makeFolder('claim')
  const claim = await claimStage(dir, 'shard')
  await writeFile(join(dir, 'owners', 'shard.json'), '')
  assert.throws(claim, { code: 'fenced' })
  await rm(join(dir, 'owners', 'shard.json'))
  assert.throws(claim, { code: 'fenced' })
})

check('of those who claim a stage at the same moment one has it', async ({ claimStage }) => {
  const dir = makeFolder('claim')
  for (let round = 0; round < 10; round++) {
    const claims = await Promise.all([1, 2, 3].map(() => claimStage(dir, 'shard')))
    const holders = claims.filter(claim => {
      try {
        claim()
        return true
      } catch {
        return false
      }
    })
    assert.equal(holders.length, 1)
  }
  assert.deepEqual(await readdir(join(dir, 'owners')), ['shard.json'])
})

mutate(/the last one/, 'two claims are the same', 'pid: process.pid, id }', 'pid: process.pid }')
mutate(/the last one/, 'nobody looks', 'if (readMark(path) === mine) return', 'return')
mutate(
  /one by one/,
  'all stages have one mark',
  "const folder = join(dir, 'owners')",
  "stage = 'one'\n  const folder = join(dir, 'owners')",
)
mutate(/one by one/, 'a stage claims them all', "join(dir, 'owners')", "join(dir, 'owners', randomUUID())")
