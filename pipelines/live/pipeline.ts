import { exactDuplicates, jsonl, language, nearDuplicates, normalize, pipeline, rules, signature } from 'headrace'

// For a folder that grows while somebody trains: `freshness` has all that was kept sealed and fed after every two slots of input.
export default pipeline('live')
  .from(jsonl('growing/*.jsonl'))
  .annotate(normalize(), language(), signature())
  .decide(rules({ languageScore: { below: 0.3 } }), exactDuplicates(), nearDuplicates())
  .tokenize('o200k_base')
  .feed({ length: 256, batch: 16, freshness: 2 })
