import assert from 'node:assert/strict'
import { syncBuiltinESMExports } from 'node:module'
import { HeadraceError } from '../../../src/errors.ts'
import type { Share } from '../../../src/log/log.ts'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import type { Work } from '../../../src/run/spread/shares.ts'
import { examine } from '../examine.ts'
import { settle, until } from './memory-run.ts'

type Module = typeof import('../../../src/run/spread/shares.ts')
const { check, mutate } = examine<Module>('spread/shares.ts')

const share = (partition: number, stage = 'annotate'): Share => ({ stage, partition })
const nameOf = ({ stage, partition }: Share) => `${stage}/${partition}`
const fenced = () => new HeadraceError('fenced', 'another owner')

/** Shares whose work ends as the test says, each a line in `seen`: its start, its end, and what the world is told of it. */
function open({ Shares }: Module, work?: Work) {
  const seen: string[] = []
  const failures: unknown[] = []
  const running = new Map<string, PromiseWithResolvers<void> & { readonly stop: AbortSignal }>()
  const wait: Work = async (one, stop) => {
    seen.push(`begin ${nameOf(one)}`)
    const ending = { ...Promise.withResolvers<void>(), stop }
    running.set(nameOf(one), ending)
    stop.addEventListener('abort', () => seen.push(`stop ${nameOf(one)}`))
    await ending.promise.finally(() => seen.push(`end ${nameOf(one)}`))
  }
  const shares = new Shares(
    work ?? wait,
    error => failures.push(error),
    (held, { what, share: one }) => seen.push(`${what} ${nameOf(one)}: ${held.map(nameOf).join(' ')}`),
  )
  return { shares, running, failures, seen: () => seen.splice(0) }
}

check('a share is at work from when it is taken; given back it is told to stop, and waited for', async module => {
  const { shares, running, seen, failures } = open(module)
  shares.take(share(0))
  shares.take(share(1))
  shares.take(share(0, 'decide'))
  assert.deepEqual([shares.count('annotate'), shares.count('decide'), shares.count('load')], [2, 1, 0])
  await settle()
  const taken = ['annotate/0', 'annotate/0 annotate/1', 'annotate/0 annotate/1 decide/0']
  const names = ['annotate/0', 'annotate/1', 'decide/0']
  assert.deepEqual(seen(), [
    ...names.map((name, i) => `taken ${name}: ${taken[i]}`),
    ...names.map(name => `begin ${name}`),
  ])
  let isGiven = false
  const given = shares.give(share(1)).then(() => (isGiven = true))
  await settle()
  assert.deepEqual([seen(), isGiven, shares.count('annotate')], [['stop annotate/1'], false, 2])
  running.get('annotate/1')!.resolve()
  await given
  assert.deepEqual(seen(), ['end annotate/1', 'given annotate/1: annotate/0 decide/0'])
  assert.deepEqual([shares.count('annotate'), failures], [1, []])
})

check('work that has ended is held until it is given back, and not begun again', async module => {
  const { shares, running, seen } = open(module)
  shares.take(share(0))
  await settle()
  running.get('annotate/0')!.resolve()
  await settle()
  assert.equal(shares.count('annotate'), 1)
  await shares.give(share(0))
  assert.deepEqual(seen().slice(1), ['begin annotate/0', 'end annotate/0', 'stop annotate/0', 'given annotate/0: '])
})

check('a share that was lost comes back and waits until its last work has ended', async module => {
  const { shares, running, seen, failures } = open(module)
  shares.take(share(0))
  await settle()
  const [first] = [running.get('annotate/0')!]
  shares.lose()
  assert.equal(shares.count('annotate'), 0)
  shares.take(share(0))
  shares.lose()
  shares.take(share(0))
  shares.take(share(1))
  await settle()
  assert.ok(first.stop.aborted)
  assert.deepEqual(
    seen().filter(line => line.startsWith('begin')),
    ['begin annotate/0', 'begin annotate/1'],
  )
  first.reject(new Error('whatever it fails with is of the past'))
  await settle()
  assert.deepEqual(seen(), ['end annotate/0', 'begin annotate/0'])
  assert.deepEqual(failures, [])
})

check('what was lost while it is given back is given once its work has ended', async module => {
  const { shares, running, seen } = open(module)
  shares.take(share(0))
  await settle()
  let isGiven = false
  const given = shares.give(share(0)).then(() => (isGiven = true))
  shares.lose()
  await settle()
  assert.equal(isGiven, false)
  running.get('annotate/0')!.resolve()
  await given
  assert.equal(seen().at(-1), 'end annotate/0', 'it was lost, and is not given besides')
  await shares.give(share(0))
})

/** What work ends with after it was told to stop, and whether the run goes on. */
const ends: [what: string, end: (stop: AbortSignal) => unknown, isFailure: boolean][] = [
  ['nothing', () => null, false],
  ["the signal's reason", stop => stop.reason, false],
  ['fenced', fenced, false],
  ['a failure of its own', () => new Error('disk'), true],
]
for (const [what, end, isFailure] of ends)
  check(`told to stop it ends with ${what}: ${isFailure ? 'that is a failure' : 'all is well'}`, async module => {
    const { shares, running, failures, seen } = open(module)
    shares.take(share(0))
    await settle()
    const given = shares.give(share(0))
    const { stop, resolve, reject } = running.get('annotate/0')!
    const error = end(stop)
    if (error) reject(error)
    else resolve()
    await given
    assert.deepEqual(failures, isFailure ? [error] : [])
    assert.ok(!seen().some(line => line.startsWith('fenced')), 'it is told of nothing')
  })

check('work that fails is told, once, and its share is still held until it is given back', async module => {
  const { shares, running, failures, seen } = open(module)
  shares.take(share(0))
  await settle()
  const error = new Error('no')
  running.get('annotate/0')!.reject(error)
  await settle()
  assert.deepEqual([failures, shares.count('annotate')], [[error], 1])
  assert.deepEqual(seen().slice(1), ['begin annotate/0', 'end annotate/0'])
  await shares.give(share(0))
})

check(
  'who is fenced and still has the share tries again after a while, unless it was given back',
  async (module, t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    // For who imported it by name.
    syncBuiltinESMExports()
    t.after(() => {
      t.mock.timers.reset()
      syncBuiltinESMExports()
    })
    const { shares, running, seen, failures } = open(module)
    for (const partition of [0, 1]) shares.take(share(partition))
    await settle()
    seen()
    for (const { reject } of running.values()) reject(fenced())
    await settle()
    const told = ['fenced annotate/0: annotate/0 annotate/1', 'fenced annotate/1: annotate/0 annotate/1']
    assert.deepEqual(seen(), ['end annotate/0', 'end annotate/1', ...told])
    await shares.give(share(1))
    t.mock.timers.tick(2900)
    await settle()
    assert.deepEqual(seen(), ['stop annotate/1', 'given annotate/1: annotate/0'])
    t.mock.timers.tick(200)
    await settle()
    assert.deepEqual([seen(), failures], [['begin annotate/0'], []])
  },
)

check('processes that share out a log work on each share one at a time', async module => {
  await using log = new MemoryLog({ spread: { annotate: 5 } })
  const busy = new Map<string, number>()
  const begun: string[] = []
  const work =
    (process: string): Work =>
    async (one, stop) => {
      const key = nameOf(one)
      assert.ok(!busy.get(key), `${key} is worked on twice`)
      busy.set(key, 1)
      begun.push(`${process} ${key}`)
      if (!stop.aborted) await new Promise(resolve => stop.addEventListener('abort', resolve))
      await settle()
      busy.delete(key)
    }
  const [a, b] = ['a', 'b'].map(process => open(module, work(process)))
  const count = (one: typeof a) => one.shares.count('annotate') + one.shares.count('decide')
  await using first = await log.join(['annotate', 'decide'], a.shares)
  await using second = await log.join(['annotate', 'decide'], b.shares)
  await until('each has its part', () => count(a) === 3 && count(b) === 3 && busy.size === 6)
  await second[Symbol.asyncDispose]()
  await until('one has all', () => count(a) === 6 && busy.size === 6)
  await first[Symbol.asyncDispose]()
  assert.deepEqual([a.failures, b.failures, busy.size, count(a), count(b)], [[], [], 0, 0, 0])
  assert.ok(begun.length >= 9, `${begun}`)
})

mutate(/at work from when/, 'a share is given back before its work has ended', 'await task.done', 'void task.done')
mutate(
  /at work from when/,
  'what is given back is not told to stop',
  "task.stop.abort(new Error('the share was given back'))",
  '',
)
mutate(/at work from when/, 'what was given back still counts', 'this.#tasks.delete(keyOf(share))', 'true')
mutate(/work that has ended/, 'work that has ended is begun again', 'return await this.#work', 'await this.#work')
mutate(/that was lost comes back/, 'what comes back does not wait', 'this.#ending.get(key) ?? ', '')
mutate(
  /that was lost comes back/,
  'what is lost is not told to stop',
  "task.stop.abort(new Error('the share was lost'))",
  '',
)
mutate(/that was lost comes back/, 'what is lost can still fail', 'task.isLost = true', '')
mutate(/that was lost comes back/, 'what was lost still counts', 'this.#tasks.delete(key)', '')
mutate(/the signal's reason/, "the signal's reason is a failure", 'error === stop.signal.reason || ', '')
mutate(
  /ends with fenced/,
  'who was fenced as it stops has failed',
  "&& (error === stop.signal.reason || codeOf(error) === 'fenced')",
  '&& error === stop.signal.reason',
)
mutate(
  /failure of its own/,
  'failures of what stops are passed over',
  'stop.signal.aborted && (',
  'stop.signal.aborted || (',
)
mutate(/work that fails/, 'what fails is tried again', 'return this.#fail(error)', 'this.#fail(error)')
mutate(/who is fenced/, 'who was fenced gives up', 'await sleep(againMs', 'return sleep(againMs')
mutate(/who is fenced/, 'who was fenced and is told to stop waits all the same', '{ signal: stop.signal }', '{}')
mutate(/share out a log/, 'work is given back while it is under way', 'await task.done', 'void task.done')
