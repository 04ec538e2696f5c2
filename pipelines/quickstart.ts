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

// Nine domains of real text in many languages, some of it junk, copied or broken: see sample/README.md. Gopher's rules are for English
// prose, so they measure only that; code and mathematics are held to the language score and the density of their text alone.
const prose = ['en-books', 'en-techlit', 'en-webpages']

export default pipeline('quickstart')
  .from(jsonl('pipelines/sample/*.jsonl*'))
  .annotate(normalize(), language(), density(), signature())
  .annotate(onlyFor('domain', prose, gopherQuality()), onlyFor('domain', prose, gopherRepetition()), maskPii())
  .decide(rules({ languageScore: { below: 0.3 } }), exactDuplicates(), nearDuplicates(), holdout({ rate: 0.005 }))
  .tokenize('o200k_base')
  .feed({ length: 2048, batch: 16 })
