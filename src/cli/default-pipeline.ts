import { language } from '../annotate/language.ts'
import { normalize } from '../annotate/normalize.ts'
import { onlyFor } from '../annotate/only-for.ts'
import { maskPii } from '../annotate/pii.ts'
import { density } from '../annotate/quality/density.ts'
import { gopherQuality } from '../annotate/quality/gopher-quality.ts'
import { gopherRepetition } from '../annotate/quality/gopher-repetition.ts'
import { signature } from '../annotate/signature.ts'
import { exactDuplicates } from '../decide/exact-duplicates.ts'
import { nearDuplicates } from '../decide/near-duplicates.ts'
import { type Pipeline, pipeline, rules } from '../pipeline/pipeline.ts'
import { jsonl } from '../sources/files/jsonl.ts'

/** Roles of a document that `try` can be told the fields of. */
export const fieldOptions = ['text', 'id', 'domain'] as const

/** This module's URL for fields with other names: every thread that loads it reads them from the URL. */
export function defaultPipelineUrl(fields: Readonly<Record<string, string>>): string {
  const url = new URL(import.meta.url)
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value)
  return url.href
}

/** Whether a URL is of this module, with whatever fields: code of Headrace's own. */
export function isDefaultPipeline(url: string): boolean {
  const pathOf = (href: string) => href.replace(/[?#].*$/, '')
  return pathOf(url) === pathOf(import.meta.url)
}

const fields = Object.fromEntries(new URL(import.meta.url).searchParams)

/** What `headrace try` runs: every language is kept, English is held to Gopher's rules, duplicates go. The command replaces the input. */
const tryPipeline: Pipeline = pipeline('try')
  .from(jsonl('*.jsonl', fields))
  .annotate(normalize(), language(), density(), signature(), maskPii())
  .annotate(onlyFor('language', ['en'], gopherQuality()), onlyFor('language', ['en'], gopherRepetition()))
  .decide(rules(), exactDuplicates(), nearDuplicates())
  .tokenize('o200k_base')
  .feed({ length: 2048, batch: 16 })

export { tryPipeline as default }
