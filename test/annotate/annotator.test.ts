import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testAnnotator } from '../../conformance/annotator.ts'
import { language } from '../../src/annotate/language.ts'
import { normalize } from '../../src/annotate/normalize.ts'
import { onlyFor } from '../../src/annotate/only-for.ts'
import { maskPii } from '../../src/annotate/pii.ts'
import { c4 } from '../../src/annotate/quality/c4.ts'
import { density } from '../../src/annotate/quality/density.ts'
import { finewebQuality } from '../../src/annotate/quality/fineweb.ts'
import { gopherQuality } from '../../src/annotate/quality/gopher-quality.ts'
import { gopherRepetition } from '../../src/annotate/quality/gopher-repetition.ts'
import { seedSimilarity } from '../../src/annotate/seed-similarity.ts'
import { signature } from '../../src/annotate/signature.ts'
import { tokenize } from '../../src/annotate/tokenize.ts'

for (const make of [
  normalize,
  language,
  gopherQuality,
  gopherRepetition,
  c4,
  finewebQuality,
  maskPii,
  signature,
  density,
  () => tokenize('gpt2'),
])
  testAnnotator(make().name, () => ({ annotator: make() }))
testAnnotator('gopher-quality for one domain', () => ({ annotator: onlyFor('domain', ['web'], gopherQuality()) }))
testAnnotator('c4 for another domain', () => ({ annotator: onlyFor('domain', ['book'], c4()) }))

type Anyhow = (...given: readonly unknown[]) => unknown
const makers: Record<string, Anyhow> = {
  normalize,
  language,
  gopherQuality,
  gopherRepetition,
  c4,
  finewebQuality,
  maskPii,
  signature,
  density,
  seedSimilarity,
  onlyFor,
  tokenize,
} as unknown as Record<string, Anyhow>

/** What the annotators refuse before any work, and what they say of it. */
const refused: [name: string, given: unknown[], says: RegExp][] = [
  ['gopherQuality', [{ wordMin: 1 }], /no option 'wordMin'; did you mean 'wordsMin'\?/],
  ['gopherQuality', [{ wordsMin: '5' }], /'wordsMin' "5": give a number, or null/],
  ['gopherQuality', [{ stopWords: 'the' }], /'stopWords' "the": give a list, each a name/],
  [
    'gopherRepetition',
    [
      {
        topNgramsMax: [
          [2, 0.2],
          [2, 0.3],
        ],
      },
    ],
    /'topNgramsMax' .*: give a list of \[words of the n-gram/,
  ],
  ['gopherRepetition', [{ duplicateNgramsMax: [[0, 0.2]] }], /'duplicateNgramsMax'/],
  ['gopherRepetition', [{ topNgramsMax: [2, 3] }], /'topNgramsMax' \[2,3\]/],
  ['c4', [{ unit: 'page' }], /'unit' "page": give one of line, sentence/],
  ['c4', [{ terminalMarks: true }], /did you mean 'terminalMark'\?/],
  ['finewebQuality', [{ shortLineCharacters: 1.5 }], /'shortLineCharacters' 1\.5: give a whole number from 0 on/],
  ['density', [{ below: 1 }], /annotator 'density' has no option 'below'; it has none/],
  ['normalize', [{ unicode: '15.0' }], /annotator 'normalize' has no option 'unicode'/],
  ['language', [{ minscore: 0.3 }], /did you mean 'minScore'\?/],
  ['language', [{ minScore: 65 }], /'minScore' 65: give a number from 0 to 1, or null/],
  ['maskPii', [{ emails: 'no' }], /'emails' "no": give true or false/],
  ['maskPii', [{ phone: false }], /did you mean 'phones'\?/],
  ['signature', [{ band: 16 }], /did you mean 'bands'\?/],
  ['signature', [{ punctuation: 'drop' }], /give one of keep, ignore/],
  [
    'tokenize',
    ['gpt2', { endOfTexts: true }],
    /annotator 'tokenize' has no option 'endOfTexts'; did you mean 'endOfText'\?/,
  ],
  ['tokenize', ['gpt3'], /gpt3/],
  ['seedSimilarity', [{}], /annotator 'seed-similarity' needs 'seed': give a seed file/],
  ['seedSimilarity', [{ seed: 'a.json', minscore: 1 }], /did you mean 'minScore'\?/],
  ['onlyFor', ['', ['en'], density()], /onlyFor\(\) has 'column' "": give a name/],
  ['onlyFor', ['language', 'en', density()], /'values' "en": give a list of one value or more/],
  ['onlyFor', ['language', [], density()], /'values' \[\]/],
  [
    'onlyFor',
    ['language', ['en'], density],
    /'annotator' a function: give an annotator, as gopherQuality\(\) gives one/,
  ],
  ['onlyFor', ['language', ['en']], /onlyFor\(\) needs 'annotator'/],
]
for (const [name, given, says] of refused)
  test(`${name}(${given.map(one => JSON.stringify(one) ?? typeof one).join(', ')}) is refused`, () => {
    assert.throws(() => makers[name](...given), { code: 'bad-option', exit: 64, message: says })
  })

test('every annotator that the package exports is refused something here', () => {
  assert.deepEqual(
    Object.keys(makers).filter(name => !refused.some(([other]) => other === name)),
    [],
  )
})
