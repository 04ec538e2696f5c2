import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signature } from '../../src/annotate/signature.ts'
import { type Batch, type Columns, fixed, numbers, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'
import { takeRows } from '../../src/batch/rows.ts'
import { digest128 } from '../../src/text/hash.ts'
import { estimateSimilarity } from '../../src/text/likeness/minhash.ts'

const prose = Array.from({ length: 200 }, (_, i) => `word${(i * 37) % 101} and${i}`).join(' ')
const texts = [prose, '', 'only four words here', prose.replace('word37', 'changed'), '春眠不覺曉，處處聞啼鳥。', prose]
const batch: Batch = { rows: texts.length, columns: { text: utf8From(texts) } }
const annotate = (options = {}, rows = batch): Batch => {
  return { rows: rows.rows, columns: signature(options).annotate(rows) as Columns }
}

test('writes what it declares', () => {
  for (const options of [{}, { bands: 20, rows: 5, shingle: 3 }, { bands: 1, rows: 1 }])
    checkFields(annotate(options), signature(options).writes, 'signature')
})

test('a text shorter than a shingle has no signature and still a hash', () => {
  const columns = annotate()
  assert.deepEqual([...numbers(columns, 'shingles')], [396, 0, 0, 396, 8, 396])
  for (const row of [1, 2]) {
    assert.ok(
      fixed(columns, 'bands')
        .bytes.subarray(row * 112, (row + 1) * 112)
        .every(byte => byte === 0),
    )
    const hash = fixed(columns, 'textHash').bytes.subarray(row * 16, (row + 1) * 16)
    assert.deepEqual([...hash], [...digest128(new TextEncoder().encode(texts[row]))])
  }
})

test('near texts have near signatures, equal texts equal ones', () => {
  const { bytes } = fixed(annotate(), 'signature')
  assert.equal(estimateSimilarity(bytes, 0, bytes, 5 * 112, 112), 1)
  const near = estimateSimilarity(bytes, 0, bytes, 3 * 112, 112)
  assert.ok(near > 0.9 && near < 1, `${near}`)
  assert.ok(estimateSimilarity(bytes, 0, bytes, 4 * 112, 112) < 0.1)
})

test('rows do not depend on the rows beside them', () => {
  const all = annotate()
  for (let row = 0; row < batch.rows; row++)
    assert.deepEqual(annotate({}, takeRows(batch, [row])), takeRows(all, [row]), `row ${row}`)
})

test('refuses what is no count', () => {
  for (const options of [{ bands: 0 }, { rows: 1.5 }, { shingle: Number.NaN }, { bands: 65 }])
    assert.throws(() => signature(options), { code: 'bad-option' })
})
