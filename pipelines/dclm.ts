import {
  exactDuplicates,
  fasttext,
  gate,
  gopherQuality,
  gopherRepetition,
  jsonl,
  language,
  nearDuplicates,
  normalize,
  pipeline,
  rules,
  signature,
} from 'headrace'

// DCLM-Baseline's order (arXiv 2406.11794, section 4): the heuristics of RefinedWeb, duplicates, and a fastText classifier that was trained
// on instructions and explanations against web text, of whose scores the best tenth of DCLM's own pool stays: above 0.018112. That is a
// percentile of that pool and no constant: `headrace value RUN --columns fasttext:dclm:hq --at p90` says where yours has it.
//
// The model is `openhermes_reddit_eli5_vs_rw_v2_bigram_200k_train.bin` of mlfoundations, as models/oh-eli5.bin.
//
// What differs: DCLM cuts words by Unicode, and counts symbols and repetitions by rules of its own; here they are datatrove's. Its lists of
// URLs are not published: `urlLists()` takes others. It takes out lines by RefinedWeb's rules, and duplicates of parts of texts by a Bloom
// filter over 13-grams; here whole documents are told apart by MinHash.
export default pipeline('dclm')
  .from(jsonl('data/*.jsonl*', { domain: 'source' }))
  .annotate(normalize(), language(), gate({ language: { oneOf: ['en'], reason: 'language-not-english' } }))
  .annotate(gopherRepetition(), gate(), gopherQuality(), gate())
  .annotate(signature(), fasttext({ model: 'models/oh-eli5.bin', name: 'dclm', labels: ['hq'] }))
  .decide(
    rules({ 'fasttext:dclm:hq': { below: 0.018112, reason: 'below-the-best-tenth' } }),
    exactDuplicates(),
    nearDuplicates(),
  )
  .tokenize('gpt2')
  .feed({ length: 2048, batch: 64 })
