import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { lookAtKenlm } from '../../src/annotate/kenlm-model.ts'
import { SentenceScorer } from '../../src/annotate/kenlm-sentences.ts'
import { readSentencePieceModel } from '../../src/text/sentencepiece/model-file.ts'
import { SentencePieceTokenizer } from '../../src/text/sentencepiece/tokenizer.ts'
import { makeFolder } from '../temporary.ts'
import { runPython, skipWithout } from './python.ts'

const sample = join(import.meta.dirname, '../../pipelines/sample')
const hostile = [
  '',
  ' ',
  '\t',
  '\u3000',
  '▁▁ ▁',
  'ﬁ ½ ① ㍿ Ａ ｶﾞ',
  'x'.repeat(5000),
  '水'.repeat(2000),
  `a${'\u0301'.repeat(900)}`,
  'ab '.repeat(3000),
]

/** Every eighth text of the sample, which has Chinese ones, too. Python takes no NUL for a space, as KenLM's own programs do. */
function readTexts(): string[] {
  const files = readdirSync(sample).filter(name => name.startsWith('sample-'))
  const lines = files.flatMap(name =>
    gunzipSync(readFileSync(join(sample, name)))
      .toString()
      .trimEnd()
      .split('\n'),
  )
  const texts = lines.filter((_, i) => i % 8 === 0).map(line => (JSON.parse(line).text as string).slice(0, 8000))
  return [...texts, ...hostile].map(text => text.replaceAll('\0', ' ').toWellFormed())
}

const readLines = <T>(path: string): T[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))

test('pieces are those of SentencePiece, and each logarithm is the float32 of KenLM', {
  skip: skipWithout('kenlm', 'sentencepiece'),
}, t => {
  const dir = makeFolder('kenlm-python')
  const at = (name: string) => join(dir, name)
  const texts = readTexts()
  writeFileSync(at('texts.jsonl'), texts.map(text => `${JSON.stringify(text)}\n`).join(''))
  const models: Record<string, string | null> = JSON.parse(
    runPython([join(import.meta.dirname, 'ask_kenlm.py'), dir])
      .trimEnd()
      .split('\n')
      .at(-1)!,
  )
  const lines = texts.flatMap(text => text.split('\n'))

  const answers = readLines<Record<string, { ids: number[]; pieces: string }>>(at('pieces.jsonl'))
  const tokenizers = new Map(
    ['unigram', 'bpe'].map(name => {
      const path = at(`${name}.model`)
      return [name, new SentencePieceTokenizer(readSentencePieceModel(readFileSync(path), path), path)] as const
    }),
  )
  for (const [name, tokenizer] of tokenizers)
    for (const [i, line] of lines.entries()) {
      const bytes = Buffer.from(line)
      tokenizer.cut(bytes, 0, bytes.length, true)
      const pieces = Buffer.from(tokenizer.bytes.subarray(0, Math.max(0, tokenizer.length - 1))).toString()
      assert.deepEqual({ ids: tokenizer.ids, pieces }, answers[i][name], line)
    }

  let tokens = 0
  for (const [name, tokenizer] of Object.entries(models)) {
    const model = lookAtKenlm({ path: at(name), advice: '' }).load()
    const found: number[] = []
    const add = (word: number) => found[found.push(model.add(word)) - 1]
    const { end, unknown } = model
    const watched = { end, unknown, add, begin: () => model.begin(), find: model.find.bind(model) }
    const scorer = new SentenceScorer(watched, tokenizer === null ? null : tokenizers.get(tokenizer)!, null)
    const scores = readLines<number[]>(at(`${name}.jsonl`))
    for (const [i, line] of lines.entries()) {
      const bytes = Buffer.from(line)
      found.length = 0
      scorer.score(bytes, 0, bytes.length)
      // A text without a character is not measured.
      if (line !== '') assert.deepEqual(found, scores[i], `${name}: ${line}`)
      tokens += found.length
    }
  }
  t.diagnostic(`${texts.length} texts, ${Object.keys(models).join(', ')}: ${tokens} logarithms`)
  if (!process.env.BUILD_BINARY)
    t.diagnostic('ARPA files alone: for binary files set BUILD_BINARY to that program of KenLM')
})
