import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { publishFeed, writeShards } from '../rows/fixture.ts'
import { runHeadrace } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

const dir = makeFolder('materialise-cli')
const feed = join(dir, 'feed')
let steps: number
before(async () => {
  steps = (await publishFeed(dir, feed, await writeShards(dir))).steps
})

const refused: [args: string[], status: number, message: RegExp][] = [
  [['--steps', '3'], 64, /--steps is '3'; it takes two steps, as 0:1000/],
  [['--steps', '0:9999'], 64, /--steps ends before step 9999, and the feed has steps 0 to/],
  [['--steps', '2:2'], 64, /--steps 2:2 has no step/],
  [['--steps', '0:2', '--follow'], 64, /--steps and --follow are given/],
  [['--steps', '0:2', '--keep-steps', '9'], 64, /--steps and --keep-steps are given/],
  [['--file-steps', '0'], 64, /--file-steps is '0'; it takes a whole number of at least 1 and at most 4096/],
  [['--file-steps', '5000'], 64, /at most 4096/],
  [['--keep-steps', '0'], 64, /--keep-steps is '0'/],
]
for (const [args, status, message] of refused)
  test(`refused: ${args.join(' ')}`, async () => {
    const printed = await runMain(['materialise', feed, ...args])
    assert.equal(printed.status, status, printed.err)
    assert.match(printed.err, message)
    assert.deepEqual([printed.out, existsSync(join(feed, 'rows'))], ['', false])
  })

test('it says what it wrote, what stood, and what went', async () => {
  const first = await runMain(['materialise', feed, '--file-steps', '4', '--steps', '0:6'])
  assert.deepEqual([first.status, first.err], [0, ''])
  assert.match(first.out, /^written +6 steps in 2 files, [\d.]+ kB$/m)
  assert.match(first.out, /^stood before +0 steps$/m)
  const second = await runMain(['materialise', feed, '--file-steps', '4', '--keep-steps', '5'])
  assert.match(second.out, /^removed +\d files before the last 5 steps$/m)
  const { status, out } = await runMain(['materialise', feed, '--file-steps', '4', '--json'])
  const [done, ...more] = parseLines(out)
  assert.deepEqual([status, more.length, Number(done.stood) + Number(done.steps)], [0, 0, steps])
})

test('a signal stops one that follows, and what is whole stays', async () => {
  const other = makeFolder('materialise-follow')
  const live = join(other, 'feed')
  await publishFeed(other, live, await writeShards(other), 8)
  const { status, err } = await runHeadrace(['materialise', live, '--file-steps', '4', '--follow', '--json'], child => {
    const timer = setInterval(() => {
      if (!existsSync(join(live, 'rows', '00000004.json'))) return
      clearInterval(timer)
      child.kill('SIGTERM')
    }, 5)
    child.on('close', () => clearInterval(timer))
  })
  assert.equal(status, 130, err)
  assert.ok(readdirSync(join(live, 'rows')).every(name => /^\d{8}\.(?:i32|spans|json)$/.test(name)))
})
