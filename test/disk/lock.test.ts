import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockDirectory } from '../../src/disk/lock.ts'
import { makeFolder } from '../temporary.ts'

const deadPid = 2 ** 22 + 1
const dead = JSON.stringify({ pid: deadPid, started: '1', host: hostname() })

const leftBehind: [what: string, files: Record<string, string>][] = [
  ['a process that died', { lock: dead }],
  [
    'a process whose number another one has now',
    { lock: JSON.stringify({ pid: process.pid, started: '1', host: hostname() }) },
  ],
  ['a power failure that lost the text', { lock: '' }],
  ['a power failure that left other text', { lock: '{"pid":' }],
  ['a process that died while it removed a dead one', { lock: dead, 'lock.break': dead }],
  ['one that died removing one that died removing', { lock: dead, 'lock.break': dead, 'lock.break.break': dead }],
]
for (const [what, files] of leftBehind)
  test(`the lock left by ${what} is taken over, and nothing is left`, async () => {
    const dir = makeFolder('lock')
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
    {
      await using _lock = await lockDirectory(dir)
      assert.equal(JSON.parse(await readFile(join(dir, 'lock'), 'utf8')).pid, process.pid)
      await assert.rejects(lockDirectory(dir), { code: 'locked', message: /in use by process \d+ .* wait for it/ })
      assert.deepEqual(await readdir(dir), ['lock'])
    }
    assert.deepEqual(await readdir(dir), [])
  })

test('a holder on another machine is taken for alive, and the message says what to do', async () => {
  const dir = makeFolder('lock')
  await writeFile(join(dir, 'lock'), JSON.stringify({ pid: 1, started: '1', host: 'elsewhere' }))
  await assert.rejects(lockDirectory(dir), /process 1 on elsewhere: .*if that is gone for good, delete .*lock$/)
})

test('one of this name that this process cannot see is alive while it writes its file, and is not evicted', async () => {
  const dir = makeFolder('lock')
  const path = join(dir, 'lock')
  const unseen = JSON.stringify({ pid: deadPid, started: '1', host: hostname(), machine: 'another boot 1', id: 'x' })
  await writeFile(path, unseen)
  await assert.rejects(lockDirectory(dir), { code: 'locked', message: /within the last 10 s, in another container/ })
  assert.equal(await readFile(path, 'utf8'), unseen)
  const silent = Date.now() / 1000 - 11
  await utimes(path, silent, silent)
  await using lock = await lockDirectory(dir)
  lock.check()
})

test('a holder writes its file again and again, which changes nothing of it but its time', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const dir = makeFolder('lock')
  const path = join(dir, 'lock')
  await using lock = await lockDirectory(dir)
  const text = await readFile(path, 'utf8')
  assert.ok(JSON.parse(text).machine.length > 0 || process.platform !== 'linux')
  if (process.platform !== 'linux') return
  await utimes(path, 1, 1)
  t.mock.timers.tick(2000)
  while ((await stat(path)).mtimeMs === 1000) await new Promise(resolve => setImmediate(resolve))
  assert.equal(await readFile(path, 'utf8'), text)
  lock.check()
})

test('who lost the lock by hand does not remove the next one', async () => {
  const dir = makeFolder('lock')
  const lock = await lockDirectory(dir)
  const other = JSON.stringify({ pid: 1, started: '1', host: 'elsewhere' })
  await writeFile(join(dir, 'lock'), other)
  await lock[Symbol.asyncDispose]()
  assert.equal(await readFile(join(dir, 'lock'), 'utf8'), other)
})

test('who holds the lock may go on until its file is removed, or is another one', async () => {
  const dir = makeFolder('lock')
  const lock = await lockDirectory(dir)
  const mine = await readFile(join(dir, 'lock'), 'utf8')
  lock.check()
  await rm(join(dir, 'lock'))
  assert.throws(lock.check, { code: 'fenced', message: /lock is no longer this process's/ })
  await using other = await lockDirectory(dir)
  other.check()
  assert.throws(lock.check, { code: 'fenced' }, 'the same process has it again, by another lock')
  await lock[Symbol.asyncDispose]()
  other.check()
  await writeFile(join(dir, 'lock'), mine)
  lock.check()
})

/**
 * What each racing process does until its time is over: takes the lock, checks by a file of its own that it is alone, and then lets go
 * or leaves a dead holder's file, in turn.
 */
const racer = `
import { open, rename, unlink, writeFile } from 'node:fs/promises'
import { lockDirectory } from ${JSON.stringify(new URL('../../src/disk/lock.ts', import.meta.url).href)}
const [dir, me, untilMs] = process.argv.slice(1)
let taken = 0
while (Date.now() < Number(untilMs)) {
  const lock = await lockDirectory(dir).catch(error => {
    if (error.code !== 'locked') throw error
  })
  if (!lock) continue
  const held = await open(dir + '/held', 'wx').catch(() => {
    console.error('two processes hold the lock')
    process.exit(1)
  })
  await held.close()
  await new Promise(resolve => setImmediate(resolve))
  await unlink(dir + '/held')
  if (taken++ % 2) await lock[Symbol.asyncDispose]()
  else {
    await writeFile(dir + '/dead.' + me, ${JSON.stringify(dead)})
    await rename(dir + '/dead.' + me, dir + '/lock')
  }
}
console.log(taken)
`

test('of processes that race for a dead lock, over and over, one holds it at a time', async () => {
  const dir = makeFolder('race')
  await writeFile(join(dir, 'lock'), dead)
  const untilMs = Date.now() + 2000
  const results = await Promise.all(
    ['a', 'b', 'c', 'd'].map(name => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', racer, dir, name, String(untilMs)])
      let [out, err] = ['', '']
      child.stdout.on('data', data => (out += data))
      child.stderr.on('data', data => (err += data))
      return new Promise<{ taken: number; err: string }>(resolve =>
        child.on('close', () => resolve({ taken: Number(out), err })),
      )
    }),
  )
  assert.deepEqual(results.map(({ err }) => err).filter(Boolean), [])
  assert.ok(results.filter(({ taken }) => taken > 0).length > 1, `taken ${results.map(({ taken }) => taken)}`)
})

test('a process that has ended but was not waited for holds nothing', {
  skip: process.platform !== 'linux' && 'needs /proc',
}, async () => {
  const dir = makeFolder('lock')
  // The shell's child ends once the shell has become `sleep`, which never waits for it.
  const child = 'while [ "$(cat /proc/$$/comm)" != sleep ]; do :; done'
  const parent = spawn('sh', ['-c', `(${child}) & echo $!; exec sleep 30`], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const pid = Number(String((await once(parent.stdout, 'data'))[0]))
    const fields = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    while (fields()[0] !== 'Z') await new Promise(setImmediate)
    await writeFile(join(dir, 'lock'), JSON.stringify({ pid, started: fields()[19], host: hostname() }))
    await using _lock = await lockDirectory(dir)
  } finally {
    parent.kill()
  }
})
