import {
  c4,
  classifier,
  density,
  exactDuplicates,
  gate,
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
//
// Its classifiers of safety (toxicity, pornography) and quality (advertising, fluency) are BERTs that it does not publish, on labels that it does not
// either, with thresholds that it does not name. Yours are four heads of one linear model: docs/safety.md says which labelled texts there are, what
// was measured, and what makes them.
//     headrace classifier fit safety --heads heads.json --groups group
//
// What differs besides: blocked domains and words, which InternLM2 has before its classifiers, are lists of yours: urlLists(), wordLists().
// Thresholds are logits, 0 being even odds. InternLM2 sets them for each domain by looking at cases on the line, as `headrace value RUN --at p1,p5` and
// `headrace what-if` show them. Duplicates go after all rules and not before the classifiers, as these cost less than tables of what they would drop.
const english = ['en']
export default pipeline('internlm2')
  .from(jsonl('data/*.jsonl*', { domain: 'source' }))
  .annotate(normalize(), language())
  .annotate(gate({ language: { oneOf: ['en', 'zh'], reason: 'language-not-english-or-chinese' } }))
  .annotate(onlyFor('language', english, gopherRepetition()), onlyFor('language', english, gopherQuality()))
  .annotate(
    onlyFor('language', english, c4({ terminalMark: false })),
    signature({ bands: 16, rows: 8 }),
    maskPii(),
    classifier({ model: 'models/safety.linear' }),
    density(),
  )
  .decide(
    rules({
      'class:toxic': { above: 2, reason: 'toxic' },
      'class:pornographic': { noneOf: ['yes'], reason: 'pornographic' },
      'class:advertising': { above: 0, reason: 'advertising' },
      'class:fluent': { below: -4, reason: 'not-fluent' },
    }),
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
