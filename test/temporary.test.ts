import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolder } from './temporary.ts'

// Whatever way a process of tests ends, it leaves no folder; and the runner fails when one was left.
const runner = join(import.meta.dirname, 'main.ts')
const head = `import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { keepFolders, makeFolder } from ${JSON.stringify(join(import.meta.dirname, 'temporary.ts'))}
const folder = makeFolder('made')
writeFileSync(join(folder, 'file'), '')
`
const child = "const { mkdtempSync } = require('node:fs'); mkdtempSync(require('node:os').tmpdir() + '/child-')"
const killed = `spawnSync(process.execPath, ['-e', ${JSON.stringify(`${child}; process.kill(process.pid, 'SIGKILL')`)}])`

const cases: [what: string, body: string, isPassed: boolean, left: number][] = [
  ['passes', "test('t', () => {})", true, 0],
  ['fails', "test('t', () => { throw new Error('no') })", false, 0],
  ['throws before its first test', "throw new Error('no')", false, 0],
  ['ends itself', 'process.exit(0)', true, 0],
  ['has a child that is killed', killed, true, 0],
  ['keeps what it made', 'keepFolders()', true, 1],
]

/** Runs a file of tests on an empty temporary folder, which is where the runner makes its own. */
function run(args: readonly string[], body: string) {
  const [place, temporary] = [makeFolder('tests'), makeFolder('temporary')]
  const file = join(place, 'made.test.mts')
  writeFileSync(file, head + body)
  // Without what tells a test that another one runs it, whose file it would be.
  const { NODE_TEST_CONTEXT, ...env } = process.env
  const { status, stderr } = spawnSync(process.execPath, [...args, file], {
    env: { ...env, TMPDIR: temporary },
    encoding: 'utf8',
  })
  return { status, stderr, left: readdirSync(temporary) }
}

for (const [what, body, isPassed, left] of cases)
  test(`a process of tests that ${what} leaves ${left === 0 ? 'nothing' : 'its folder'} behind`, () => {
    const ended = run([], body)
    assert.equal(ended.status === 0, isPassed, ended.stderr)
    assert.equal(ended.left.length, left)
  })

test('the runner passes when nothing is left, and else fails and says what was', () => {
  const clean = run([runner], "test('t', () => {})")
  assert.deepEqual([clean.status, clean.stderr, clean.left], [0, '', []])
  const kept = run([runner], "mkdtempSync(join(tmpdir(), '../left-'))")
  assert.equal(kept.status, 1)
  assert.match(kept.stderr, /^left behind in the temporary folder: left-\w{6}\n$/)
  assert.deepEqual(kept.left, [])
  assert.equal(run([runner], "test('t', () => { throw new Error('no') })").status, 1)
})

test('each folder is another one', () => {
  const folders = [makeFolder('a'), makeFolder('a')]
  assert.equal(new Set(folders).size, 2)
  assert.ok(folders.every(folder => existsSync(folder)))
})
