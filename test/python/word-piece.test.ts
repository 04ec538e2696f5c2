import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Casing, encodeWordPieces, parseWordPieces } from '../../src/text/word-piece.ts'
import { randomFrom } from '../random.ts'
import { makeFolder } from '../temporary.ts'
import { drawText, vocabulary } from '../text/word-piece-texts.ts'
import { runPython, skipWithout } from './python.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
const skip = skipWithout('tokenizers')
const script = join(import.meta.dirname, 'encode_word_pieces.py')

for (const casing of ['lower', 'keep'] satisfies Casing[])
  test(`the ids of ${casing === 'lower' ? 'uncased' : 'cased'} models are those of tokenizers (seed ${seed})`, {
    skip,
  }, t => {
    t.diagnostic(`SEED=${seed}`)
    const random = randomFrom(seed)
    const dir = makeFolder('word-piece')
    const [file, input] = [join(dir, 'vocab.txt'), join(dir, 'texts.json')]
    writeFileSync(file, vocabulary)
    const pieces = parseWordPieces(vocabulary, file)
    const texts = Array.from({ length: 4000 }, () => drawText(random))
    writeFileSync(input, JSON.stringify(texts))
    for (const tokensMax of [16, 100_000]) {
      const theirs = JSON.parse(runPython([script, file, input, casing, String(tokensMax)]))
      const ours = texts.map(text => encodeWordPieces(pieces, text, tokensMax, casing))
      for (const [i, text] of texts.entries()) assert.deepEqual([...ours[i].ids], theirs[i].ids, JSON.stringify(text))
      assert.deepEqual(
        ours.map(({ isCut }) => isCut),
        (theirs as { isCut: boolean }[]).map(({ isCut }) => isCut),
      )
      assert.equal(
        ours.some(({ isCut }) => isCut),
        tokensMax === 16,
      )
    }
  })
