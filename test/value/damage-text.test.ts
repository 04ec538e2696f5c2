import assert from 'node:assert/strict'
import { test } from 'node:test'
import { damageText, isToBeDamaged } from '../../src/value/damage-text.ts'

const english =
  'It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife.'
const chinese = '學而時習之不亦說乎有朋自遠方來不亦樂乎人不知而不慍不亦君子乎'
const numbered = (text: string, count: number) => Array.from({ length: count }, (_, i) => Buffer.from(`${text} ${i}`))
const wordsOf = (text: Buffer | string) => `${text}`.trim().split(/\s+/)

test('the same text is damaged to the same bytes, and is no longer what it was', () => {
  for (const text of [...numbered(english, 50), ...numbered(chinese, 50)]) {
    const damaged = damageText(text)
    assert.deepEqual(damageText(text), damaged)
    assert.notDeepEqual(damaged, text)
    assert.equal(damaged.includes('�'), false)
  }
})

test('all four kinds of damage are met, with words of the text alone', () => {
  const kinds = new Map([
    ['moved', 0],
    ['left out or spliced', 0],
    ['repeated', 0],
  ])
  for (const text of numbered(english, 200)) {
    const [before, after] = [wordsOf(`${text}`), wordsOf(damageText(text))]
    const known = new Set(before)
    for (const word of after) assert.ok(known.has(word), word)
    const kind =
      after.length === before.length ? 'moved' : after.length < before.length ? 'left out or spliced' : 'repeated'
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    if (kind === 'moved') assert.deepEqual(after.toSorted(), before.toSorted())
  }
  for (const [kind, times] of kinds) assert.ok(times > 30, `${kind}: ${times} of 200`)
})

test('Chinese is damaged by characters, and English words within it stay whole', () => {
  for (const text of numbered(`${chinese} Confucius ${chinese}`, 100))
    for (const word of `${damageText(text)}`.match(/[A-Za-z]+/g) ?? []) assert.equal(word, 'Confucius')
  const changed = numbered(chinese, 100).filter(text => !damageText(text).includes(Buffer.from(chinese)))
  assert.ok(changed.length > 95, `${changed.length} of 100`)
})

test('half of the texts are to be damaged, whatever becomes of them', () => {
  const chosen = numbered(english, 1000).filter(isToBeDamaged)
  assert.ok(chosen.length > 440 && chosen.length < 560, `${chosen.length} of 1000`)
  const first = (text: Buffer) => wordsOf(damageText(text)).length < wordsOf(`${text}`).length
  const [yes, no] = [chosen, numbered(english, 1000).filter(text => !isToBeDamaged(text))].map(
    texts => texts.filter(first).length / texts.length,
  )
  assert.ok(Math.abs(yes - no) < 0.1, 'the choice of texts says nothing of how they are damaged')
})

for (const [what, text] of [
  ['nothing', ''],
  ['white space', ' \n\t '],
  ['no UTF-8', Buffer.from([0xff, 0xfe, 0x41])],
  ['one word of a megabyte', 'a'.repeat(1e6)],
  ['a megabyte of white space between two words', `a${' '.repeat(1e6)}b`],
] as const)
  test(`${what} is damaged without a fault`, () => {
    assert.ok(damageText(Buffer.from(text)).length >= 0)
  })
