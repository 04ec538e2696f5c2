import {
  c4,
  classifier,
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

// FineWeb-Edu (arXiv 2406.17557, section 4): FineWeb's own order, then a model of educational value from 0 to 5, of which documents at 3
// and above stay. FineWeb-Edu rounds the score before it compares, so that its line is 2.5 on what the model says.
//
// The model is yours: labels of a judge, from 0 to 5, of some hundred thousand documents by FineWeb-Edu's rubric, learned by
//     headrace classifier fit edu --labels 'labels/*.jsonl' --kind value
//
// What differs: FineWeb-Edu's model is a head on an embedding (Snowflake's Arctic, 512 tokens); this one is linear in words and pairs of words,
// of the whole text. Its scores are nearer to the labels' mean, so look at `headrace value RUN --columns class:edu` before the line is drawn.
export default pipeline('fineweb-edu')
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
  .annotate(signature(), maskPii(), classifier({ model: 'models/edu.linear' }))
  .decide(rules({ 'class:edu': { below: 2.5, reason: 'not-educational' } }), exactDuplicates(), nearDuplicates())
  .tokenize('gpt2')
  .feed({ length: 4096, batch: 64 })
