import {
  density,
  exactDuplicates,
  gopherQuality,
  gopherRepetition,
  holdout,
  jsonl,
  language,
  maskPii,
  nearDuplicates,
  normalize,
  onlyFor,
  pipeline,
  rules,
  signature,
} from 'headrace'

// Eight languages and nine domains of real text, some of it junk, copied or broken: see sample/README.md.
export default pipeline('quickstart')
  .from(jsonl('pipelines/sample/*.jsonl*'))
  .annotate(normalize(), maskPii(), language(), density())
  .annotate(onlyFor('language', ['en'], gopherQuality()), onlyFor('language', ['en'], gopherRepetition()), signature())
  .decide(rules(), exactDuplicates(), nearDuplicates(), holdout({ rate: 0.005 }))
  .tokenize('o200k_base')
  .feed({ length: 2048, batch: 16 })
