import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldShares } from '../../src/log/held-shares.ts'
import type { Share } from '../../src/log/log.ts'
import { drawFrom } from '../random.ts'

const nameOf = ({ stage, partition }: Share) => `${stage}${partition}`
/** `a0` of topic 1 is written a0, of the topic that came after it a0'. */
const parse = (text: string) => ({ share: { stage: text[0], partition: Number(text[1]) }, topicId: text[2] ?? '' })
const settle = () => new Promise(resolve => setImmediate(resolve))

/** HeldShares whose handler notes each call, and gives up when it is told to. */
function open() {
  const calls: string[] = []
  const giving = new Map<string, PromiseWithResolvers<void>>()
  const errors: unknown[] = []
  const handler = {
    take: (share: Share) => void calls.push(`take ${nameOf(share)}`),
    give: (share: Share) => {
      calls.push(`give ${nameOf(share)}`)
      giving.set(nameOf(share), Promise.withResolvers())
      return giving.get(nameOf(share))!.promise
    },
    lose: () => void calls.push('lose'),
  }
  const listener = { onGiven: () => void calls.push('given'), onError: (error: unknown) => void errors.push(error) }
  const shares = new HeldShares(handler, listener)
  const held = () =>
    shares.held.flatMap(({ topicId, partitions }) => partitions.map(partition => `${partition}${topicId}`)).join(' ')
  const assign = (text: string) => shares.assign(text.split(' ').filter(Boolean).map(parse))
  const end = async (name: string, error?: Error) => {
    if (error) giving.get(name)!.reject(error)
    else giving.get(name)!.resolve()
    giving.delete(name)
    await settle()
  }
  return { shares, calls: () => calls.splice(0).join(', '), held, assign, end, giving, errors }
}

test('a share is held until it was given up, and what comes back meanwhile is taken after that', async () => {
  const { calls, held, assign, end } = open()
  assign('a0 a1')
  assert.deepEqual([calls(), held()], ['take a0, take a1', '0 1'])
  assign('a1 a0')
  assign('a1')
  assign('a1')
  assert.deepEqual([calls(), held()], ['give a0', '0 1'], 'it is reported while it is given up')
  assign('a0 a1')
  assert.deepEqual([calls(), held()], ['', '0 1'])
  await end('a0')
  assert.deepEqual([calls(), held()], ['take a0, given', '1 0'])
  assign('a1')
  await end('a0')
  assert.deepEqual([calls(), held()], ['give a0, given', '1'])
})

test('what was lost is not reported; a give that is under way then still comes before the next take', async () => {
  const { shares, calls, held, assign, end } = open()
  assign('a0 a1')
  assign('a1')
  shares.lose()
  assert.deepEqual([calls(), held()], ['take a0, take a1, give a0, lose', ''])
  assign('a0 a1')
  assert.deepEqual([calls(), held()], ['take a1', '1'], 'a0 is still worked on')
  await end('a0')
  assert.deepEqual([calls(), held()], ['take a0, given', '1 0'])
})

test('a share of a new topic is another: the old one is given up before it is taken', async () => {
  const { calls, held, assign, end } = open()
  assign('a0')
  assign("a0'")
  assert.deepEqual([calls(), held()], ['take a0, give a0', '0'])
  await end('a0')
  assert.deepEqual([calls(), held()], ['take a0, given', "0'"])
})

test('what a handler fails to give up stays reported, and is told', async () => {
  const { shares, calls, held, assign, end, errors } = open()
  assign('a0')
  const error = new Error('no')
  const given = shares.giveAll()
  await end('a0', error)
  await given
  assert.deepEqual([calls(), held(), errors], ['take a0, give a0', '0', [error]])
})

test('whatever happens, calls for a share take turns, and at the end what is held is what is assigned', async () => {
  const seed = Date.now() % 1e6
  const random = drawFrom(seed)
  const names = ['a0', 'a1', 'b0', "a0'", "b0'"]
  const { shares, calls, held, assign, end, giving } = open()
  const doing = new Map<string, string>()
  const follow = () => {
    for (const call of calls().split(', ').filter(Boolean)) {
      const [verb, name] = call.split(' ')
      if (verb === 'lose') for (const [other, was] of doing) if (was === 'take') doing.delete(other)
      if (!name) continue
      assert.equal(doing.get(name), verb === 'take' ? undefined : 'take', `${call}, seed ${seed}`)
      assert.equal(verb === 'take' && giving.has(name), false, `${call} while it is given up, seed ${seed}`)
      if (verb === 'take') doing.set(name, verb)
      else doing.delete(name)
    }
  }
  let assigned: string[] = []
  for (let step = 0; step < 3000; step++) {
    const what = random(10)
    if (what < 5) assign((assigned = choose(names, random)).join(' '))
    else if (what < 9 && giving.size > 0) await end([...giving.keys()][random(giving.size)])
    else if (what === 9) {
      shares.lose()
      assigned = []
    }
    follow()
  }
  assign(assigned.join(' '))
  while (giving.size > 0) {
    await end([...giving.keys()][0])
    follow()
  }
  const expected = assigned.map(name => name.slice(1)).sort()
  assert.deepEqual(held().split(' ').filter(Boolean).sort(), expected, `seed ${seed}`)
})

/** Some of the names, of one share at most one topic. */
function choose(names: readonly string[], random: (n: number) => number): string[] {
  const chosen = names.filter(() => random(2) === 0)
  return chosen.filter((name, i) => chosen.findIndex(other => other.slice(0, 2) === name.slice(0, 2)) === i)
}
