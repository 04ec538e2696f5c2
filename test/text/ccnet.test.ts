import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CcnetNormalizer } from '../../src/text/ccnet.ts'

const documents: { text: string; normalized: string }[] = readFileSync(
  join(import.meta.dirname, '../golden/sentencepiece/documents.jsonl'),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map(line => JSON.parse(line))

function normalize(text: string): string {
  const normalizer = new CcnetNormalizer()
  const bytes = Buffer.from(`Σ${text} x`)
  normalizer.normalize(bytes, 2, bytes.length - 2)
  return Buffer.from(normalizer.bytes.subarray(0, normalizer.length)).toString()
}

test('texts are those that CCNet makes', () => {
  for (const { text, normalized } of documents) assert.equal(normalize(text), normalized, JSON.stringify(text))
})

test('each sign of its table is replaced by CCNet’s, and line ends are left out', () => {
  assert.equal(
    normalize('，。、„”“«»」「《》´∶：？！（）；–—．～’…━〈〉【】％►'),
    `,.,"""""""""':${':'}?!();- - . ~'...-<>[]%-`,
  )
  assert.equal(normalize('one\ntwo\r\n'), 'onetwo')
})
