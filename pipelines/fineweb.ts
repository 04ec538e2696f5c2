import {
  c4,
  exactDuplicates,
  finewebQuality,
  gate,
  gopherQuality,
  gopherRepetition,
  jsonl,
  language,
  maskPii,
  nearDuplicates,
  pipeline,
  rules,
  signature,
} from 'headrace'

// FineWeb's English recipe in its order (arXiv 2406.17557; datatrove's examples/fineweb.py): language, Gopher repetition, Gopher
// quality, C4 without the rule of terminal marks, FineWeb's own rules, MinHash, PII. Text is expected to be extracted already. What a
// filter stops is not measured by the next ones, as in FineWeb; take the gates out to measure every document with every filter.
export default pipeline('fineweb')
  .from(jsonl('data/*.jsonl*', { domain: 'source' }))
  .annotate(language(), gate({ language: { oneOf: ['en'], reason: 'language-not-english' } }))
  .annotate(
    gopherRepetition(),
    gate(),
    gopherQuality(),
    gate(),
    c4({ terminalMark: false }),
    gate(),
    finewebQuality(),
    gate(),
  )
  .annotate(signature(), maskPii())
  .decide(rules(), exactDuplicates(), nearDuplicates())
  .tokenize('gpt2')
  .feed({ length: 4096, batch: 64 })
