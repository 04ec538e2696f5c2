import {
  classifier,
  combine,
  exactDuplicates,
  fasttext,
  gopherQuality,
  gopherRepetition,
  jsonl,
  language,
  nearDuplicates,
  normalize,
  onlyFor,
  pipeline,
  rank,
  rules,
  signature,
} from 'headrace'

// Nemotron-CC's ensemble (arXiv 2412.02595, section 2.2): three scores, each ranked over the whole pool and cut into 20 equal buckets, of which
// a document has the highest; 19 is its highest level, 18 high, 12 to 17 medium, 7 to 11 low and medium, 0 to 6 low. Heuristics are off
// for the two highest levels, as they drop what classifiers call good. What each level is rewritten to is not done here.
//
// The scores: two models of educational value, learned of labels by two judges, and DCLM's fastText model (see dclm.ts). Tables of ranks are
// made from a run that measures the same scores, once, and documents are then decided again:
//     headrace run pipelines/nemotron-cc.ts        with the lines of rank() and combine() and the rules taken out
//     headrace calibrate nemotron-cc --column class:edu-a --by language      and so for class:edu-b and fasttext:dclm:hq
//     headrace replay nemotron-cc pipelines/nemotron-cc.ts --run levels
//
// What differs: ranks are within the language, not over all of the pool; the models of educational value are linear in words, not heads on an
// embedding; duplicates are told before the ensemble there, and beside it here, which keeps the same documents.
const heuristicLevels = ['low', 'low-to-medium', 'medium']

export default pipeline('nemotron-cc')
  .from(jsonl('data/*.jsonl*', { domain: 'source' }))
  .annotate(normalize(), language(), signature())
  .annotate(
    classifier({ model: 'models/edu-a.linear' }),
    fasttext({ model: 'models/oh-eli5.bin', name: 'dclm', labels: ['hq'] }),
  )
  .annotate(
    rank({ table: 'ranks/class-edu-a.json' }),
    rank({ table: 'ranks/class-edu-b.json' }),
    rank({ table: 'ranks/fasttext-dclm-hq.json' }),
    combine({
      columns: ['class:edu-aRank', 'class:edu-bRank', 'fasttext:dclm:hqRank'],
      name: 'worth',
      how: 'max',
      levels: { low: 0, 'low-to-medium': 7, medium: 12, high: 18, highest: 19 },
    }),
  )
  .annotate(
    onlyFor('worthLevel', heuristicLevels, gopherRepetition()),
    onlyFor('worthLevel', heuristicLevels, gopherQuality()),
  )
  .decide(
    rules({ worthLevel: { noneOf: ['low'], reason: 'of-the-lowest-level' } }),
    exactDuplicates(),
    nearDuplicates(),
  )
  .tokenize('o200k_base')
  .feed({ length: 4096, batch: 64 })
