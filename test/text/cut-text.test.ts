import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cutText } from '../../src/text/cut-text.ts'

test('texts are cut to whole characters', () => {
  const cuts: [string, number, string][] = [
    ['abc', 3, 'abc'],
    ['abcd', 3, 'abc'],
    ['a𝒳c', 2, 'a𝒳'],
    ['𝒳𝒳', 2, '𝒳𝒳'],
    ['', 1, ''],
  ]
  for (const [text, max, cut] of cuts) assert.equal(cutText(text, max), cut)
})
