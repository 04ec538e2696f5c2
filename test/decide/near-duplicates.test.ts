import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { decideBatch, type Fate } from '../../conformance/decider.ts'
import { addressOf } from '../../src/decide/decider.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import { openTables } from '../../src/decide/tables/tables.ts'
import { editWords, makeBatch, makeSlots, makeWords, type TestDocument } from './documents.ts'

async function decideSlots(
  slots: readonly TestDocument[][],
  options?: Parameters<typeof nearDuplicates>[0],
): Promise<Fate[]> {
  const decider = nearDuplicates(options)
  await using state = await openTables({ path: null, shapes: decider.tables, identity: 'test' })
  return slots.flatMap((documents, slot) => decideBatch([decider], makeBatch(documents), slot, state))
}

const words = makeWords(1, 400)
const document = (id: string, text: readonly string[], domain = 'web'): TestDocument => ({
  id,
  text: text.join(' '),
  domain,
})
const original = document('original', words)

test('a near copy is dropped and names the kept document and the estimate', async () => {
  const [, other, copy] = await decideSlots([
    [original],
    [document('other', makeWords(2, 400)), document('copy', editWords(words, 200))],
  ])
  assert.equal(other.reason, '')
  assert.equal(copy.reason, 'near-duplicate')
  assert.equal(copy.duplicateOf, addressOf(0, 0))
  assert.ok(copy.similarity > 0.9 && copy.similarity < 1, `${copy.similarity}`)
  assert.equal(copy.evidence, copy.similarity)
})

test('the address is the row number in the slot, not the place in the batch', async () => {
  const decider = nearDuplicates()
  await using state = await openTables({ path: null, shapes: decider.tables, identity: 'test' })
  const batch = makeBatch([original])
  decideBatch(
    [decider],
    { ...batch, columns: { ...batch.columns, row: { kind: 'u32', values: Uint32Array.of(65_535) } } },
    7,
    state,
  )
  const [copy] = decideBatch([decider], batch, 8, state)
  assert.equal(copy.duplicateOf, addressOf(7, 65_535))
})

test('a chain of copies ends where it has drifted from the kept one', async () => {
  // Each edit changes other places, so each step is near the one before and ever farther from the first.
  const chain = [words]
  for (let step = 1; step <= 12; step++)
    chain.push(chain[step - 1].map((word, i) => (i % 100 === step * 7 ? `${word}${step}` : word)))
  const fates = await decideSlots([chain.map((text, i) => document(`step-${i}`, text))])
  const kept = fates.flatMap((fate, i) => (fate.reason === '' ? [i] : []))
  assert.ok(kept.length >= 2 && kept.length < chain.length, `kept ${kept}`)
  for (const fate of fates)
    if (fate.reason !== '') assert.ok(kept.includes(fate.duplicateOf), `names ${fate.duplicateOf}`)
})

test('of two kept documents the more similar one is named', async () => {
  const far = document('far', editWords(words, 25))
  const [, second, copy] = await decideSlots([
    [original, far],
    [document('copy', editWords(editWords(words, 25), 399, 1))],
  ])
  assert.equal(second.reason, '')
  assert.equal(copy.duplicateOf, addressOf(0, 1))
})

test('texts of fewer words than a shingle are never near-duplicates', async () => {
  const fates = await decideSlots([[document('a', ['page', 'not', 'found']), document('b', ['page', 'not', 'found'])]])
  assert.deepEqual(
    fates.map(fate => fate.reason),
    ['', ''],
  )
})

test('within a domain, the same text in another domain stays', async () => {
  const slots = [[original], [document('forum', words, 'forum'), document('again', words)]]
  const reasons = async (scope: 'all' | 'domain') => (await decideSlots(slots, { scope })).map(fate => fate.reason)
  assert.deepEqual(await reasons('all'), ['', 'near-duplicate', 'near-duplicate'])
  assert.deepEqual(await reasons('domain'), ['', '', 'near-duplicate'])
})

test('copies of a true similarity of 0.9 go, those below 0.6 stay, over many documents', async () => {
  const originals = Array.from({ length: 300 }, (_, seed) => makeWords(seed + 10, 500))
  // A changed word takes 5 of 496 shingles from both sides: 5 changes leave 0.904, 25 leave 0.597.
  const change = (text: readonly string[], changes: number) => editWords(text, Math.floor(500 / changes))
  const slots = [5, 26].map(changes => originals.map((text, i) => document(`copy-${i}`, change(text, changes))))
  const share = async (copies: TestDocument[]): Promise<number> => {
    const fates = await decideSlots([originals.map((text, i) => document(`original-${i}`, text)), copies])
    return fates.filter(fate => fate.reason !== '').length / originals.length
  }
  assert.ok((await share(slots[0])) >= 0.97)
  assert.equal(await share(slots[1]), 0)
})

test('columns of other bands or rows, and impossible options, are refused', () => {
  const batch = makeSlots()[0]
  assert.throws(() => nearDuplicates({ bands: 20, rows: 5 }).open(batch, 0, null as never), /bytes a row/)
  for (const similarity of [0, 1.1, Number.NaN])
    assert.throws(() => nearDuplicates({ similarity }), { code: 'bad-option' })
})

test('exact copies: the first kept text is named, other texts and other white space stay', async () => {
  const decider = exactDuplicates()
  await using state = await openTables({ path: null, shapes: decider.tables, identity: 'test' })
  const texts = ['one', 'two', 'one', 'one ', '', 'two', '']
  const fates = decideBatch([decider], makeBatch(texts.map((text, i) => ({ id: `${i}`, text }))), 3, state)
  assert.deepEqual(
    fates.map(fate => fate.duplicateOf),
    [-1, -1, addressOf(3, 0), -1, -1, addressOf(3, 1), addressOf(3, 4)],
  )
  assert.deepEqual([fates[2].reason, fates[2].similarity], ['exact-duplicate', 1])
})

test('two texts that share 64 bits of their hash are both kept', async () => {
  const decider = exactDuplicates()
  await using state = await openTables({ path: null, shapes: decider.tables, identity: 'test' })
  const hashes = new Uint8Array(3 * 16)
  hashes[31] = 1
  const batch = makeBatch(['a', 'b', 'c'].map(text => ({ id: text, text })))
  const crafted = {
    ...batch,
    columns: { ...batch.columns, textHash: { kind: 'fixed', width: 16, bytes: hashes } as const },
  }
  assert.deepEqual(
    decideBatch([decider], crafted, 0, state).map(fate => fate.duplicateOf),
    [-1, -1, 0],
  )
})

/** The reasons why texts go, one after the other, and which kept one they repeat. */
async function decideTexts(texts: readonly string[]): Promise<string[]> {
  const deciders = [exactDuplicates(), nearDuplicates()]
  const tables = deciders.flatMap(decider => decider.tables)
  await using state = await openTables({ path: null, shapes: tables, identity: 'test' })
  const fates = decideBatch(deciders, makeBatch(texts.map((text, i) => ({ id: `${i}`, text }))), 0, state)
  return fates.map(({ reason, duplicateOf }) =>
    reason ? `${reason.replace('-duplicate', '')} ${duplicateOf}` : 'kept',
  )
}

test('short texts without a word in common are kept, though their shingles meet in 32 bits', async () => {
  const texts = [
    'velvet thunder thunder paper falcon',
    'marble bridge saddle meadow market',
    'forest harbour marble garden mill',
    'candle horse barley kettle window',
  ]
  assert.deepEqual(await decideTexts(texts), ['kept', 'kept', 'kept', 'kept'])
  assert.deepEqual(await decideTexts([texts[0], `${texts[0].toUpperCase()} `]), ['kept', 'near 0'])
})

const files: Readonly<Record<string, readonly string[]>> = {
  // One letter changed, a word added, three letters changed.
  thai: ['kept', 'near 0', 'near 0', 'near 0'],
  // Characters that show nothing in one word of each sentence.
  invisible: ['kept', ...Array<string>(7).fill('exact 0')],
  // Half-width marks, other characters for the same words, spaces behind the marks.
  zhwidth: ['kept', 'near 0', 'kept', 'near 0'],
}

for (const [name, expected] of Object.entries(files))
  test(`copies in test/faults/${name}.jsonl`, async () => {
    const lines = readFileSync(join(import.meta.dirname, '..', 'faults', `${name}.jsonl`), 'utf8')
      .trim()
      .split('\n')
    assert.deepEqual(await decideTexts(lines.map(line => JSON.parse(line).text)), expected)
  })

test('a letter changed in 1,000 is found in every script, and no script is taken for another', async () => {
  const golden = join(import.meta.dirname, '..', 'golden', 'likeness', 'declaration.jsonl')
  const lines = readFileSync(golden, 'utf8').trim().split('\n')
  const texts = lines.map((line): { script: string; text: string } => JSON.parse(line))
  const copies = texts.map(({ text }) => changeLetters(text, 1000))
  const fates = await decideTexts([...texts.map(({ text }) => text), ...copies])
  for (const [i, { script }] of texts.entries()) {
    assert.notEqual(copies[i], texts[i].text, script)
    assert.deepEqual([fates[i], fates[texts.length + i]], ['kept', `near ${i}`], script)
  }
})

/** The text with one letter in `every` replaced by another of its letters. */
function changeLetters(text: string, every: number): string {
  const isLetter = (character: string) => /\p{L}/u.test(character)
  const letters = [...text].filter(isLetter)
  let seen = 0
  return [...text]
    .map(character => {
      if (!isLetter(character) || ++seen % every !== every / 2) return character
      return letters.find(other => other !== character)!
    })
    .join('')
}
