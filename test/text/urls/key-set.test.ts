import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinKeys, KeySetBuilder, keyOfDomain, keyOfDomainBytes, keyOfPath } from '../../../src/text/urls/key-set.ts'

function setOf(names: Iterable<string>) {
  const builder = new KeySetBuilder()
  for (const name of names) builder.add(keyOfDomain(name))
  return builder.finish()
}

test('a set has what was added, each once, and nothing else', () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `site${i}.example`)
  const set = setOf([...names, ...names.slice(5)])
  assert.equal(set.size, names.length)
  assert.ok(names.every(name => set.has(keyOfDomain(name))))
  assert.ok(names.every(name => !set.has(keyOfDomain(`${name}x`))))
  assert.equal(setOf([]).size, 0)
  assert.ok(!setOf([]).has(keyOfDomain('a.b')))
})

test('bytes and names have one key; a path makes another one of it, and another one of each domain', () => {
  const bytes = Buffer.from('x example.com y')
  assert.deepEqual(keyOfDomainBytes(bytes, 2, 13), keyOfDomain('example.com'))
  const keys = [
    keyOfDomain('a.com'),
    keyOfPath('a.com'),
    joinKeys(keyOfDomain('a.com'), keyOfPath('/x')),
    joinKeys(keyOfDomain('b.com'), keyOfPath('/x')),
    joinKeys(keyOfDomain('a.com'), keyOfPath('/y')),
  ]
  for (const half of [0, 1]) assert.equal(new Set(keys.map(key => key[half])).size, keys.length)
})

test('keys that differ in their low half alone, or in their high half alone, are told apart', () => {
  const builder = new KeySetBuilder()
  for (const low of [0, 5, 2 ** 32 - 1]) for (const high of [0, 1, 2 ** 31, 2 ** 32 - 1]) builder.add([high, low])
  const set = builder.finish()
  assert.equal(set.size, 12)
  assert.ok(set.has([2 ** 31, 5]) && set.has([0, 0]) && set.has([2 ** 32 - 1, 2 ** 32 - 1]))
  assert.ok(!set.has([2 ** 31, 6]) && !set.has([2, 5]) && !set.has([2 ** 32 - 2, 2 ** 32 - 1]))
})
