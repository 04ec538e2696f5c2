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
