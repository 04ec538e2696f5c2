import {
  c4,
  density,
  exactDuplicates,
  gopherQuality,
  gopherRepetition,
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

// The InternLM2 order (arXiv 2403.17297, section 3.1): format, rules, deduplicate, safety, quality, over English and Chinese books,
// technical literature and web pages. Its figures where the paper gives them: MinHash of 128 functions on 5-grams with the threshold 0.7.
// Its safety and quality stages are trained classifiers that it does not publish; here masked personal data and information density
// stand in their places.
const english = ['en']
export default pipeline('internlm2')
  .from(jsonl('data/*.jsonl*', { domain: 'source' }))
  .annotate(normalize(), language())
  .annotate(onlyFor('language', english, gopherRepetition()), onlyFor('language', english, gopherQuality()))
  .annotate(
    onlyFor('language', english, c4({ terminalMark: false })),
    signature({ bands: 16, rows: 8 }),
    maskPii(),
    density(),
  )
  .decide(
    rules({ language: { oneOf: ['en', 'zh'], reason: 'language-not-english-or-chinese' } }),
    exactDuplicates(),
    nearDuplicates({ similarity: 0.7, bands: 16, rows: 8 }),
  )
  .tokenize('cl100k_base')
  .feed({
    length: 4096,
    batch: 64,
    // Table 1 of the paper, in shares of bytes.
    mixture: {
      'en-books': 1.63,
      'en-techlit': 4.27,
      'en-webpages': 67.51,
      'zh-books': 2.71,
      'zh-techlit': 4.94,
      'zh-webpages': 18.95,
    },
  })
