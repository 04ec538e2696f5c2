import { density } from '../annotate/density.ts'
import { gopherQuality } from '../annotate/gopher-quality.ts'
import { gopherRepetition } from '../annotate/gopher-repetition.ts'
import { language } from '../annotate/language.ts'
import { normalize } from '../annotate/normalize.ts'
import { onlyFor } from '../annotate/only-for.ts'
import { maskPii } from '../annotate/pii.ts'
import { signature } from '../annotate/signature.ts'
import { exactDuplicates } from '../decide/exact-duplicates.ts'
import { nearDuplicates } from '../decide/near-duplicates.ts'
import { type Pipeline, pipeline, rules } from '../pipeline/pipeline.ts'

/** What `headrace try` runs: every language is kept, English is held to Gopher's rules, duplicates go. The input comes from the command. */
const tryPipeline: Pipeline = pipeline('try')
  .annotate(normalize(), language(), density(), signature(), maskPii())
  .annotate(onlyFor('language', ['en'], gopherQuality()), onlyFor('language', ['en'], gopherRepetition()))
  .decide(rules(), exactDuplicates(), nearDuplicates())
  .tokenize('o200k_base')
  .feed({ length: 2048, batch: 16 })

export { tryPipeline as default }
