/**
 * Headrace's public names. A pipeline is `pipeline(name)` with a source, annotators that measure, deciders that drop, a tokenizer and a
 * feed; `readFeed` is the trainer's end. The parts behind them, top down:
 *
 *   cli/       one file a command                      run/       the stages of a run
 *   replay/    reading what a run recorded             pipeline/  the value that a user writes, checked and laid out
 *   feed/      blocks, steps and the trainer's reader  shards/    sealed files of tokens
 *   decide/    what is dropped and why                 annotate/  what is measured
 *   sources/   documents from outside                  log/       the only thing between stages
 *   batch/     rows in columns, Arrow                  text/      algorithms on bytes
 */
export type { Annotator, Resource, Rule } from './annotate/annotator.ts'
export { filter } from './annotate/filter.ts'
export { language } from './annotate/language.ts'
export { above, below, count, ratio } from './annotate/measure.ts'
export { normalize } from './annotate/normalize.ts'
export { onlyFor } from './annotate/only-for.ts'
export { maskPii } from './annotate/pii.ts'
export { c4 } from './annotate/quality/c4.ts'
export { density } from './annotate/quality/density.ts'
export { finewebQuality } from './annotate/quality/fineweb.ts'
export { gopherQuality } from './annotate/quality/gopher-quality.ts'
export { gopherRepetition } from './annotate/quality/gopher-repetition.ts'
export { seedSimilarity } from './annotate/seed-similarity.ts'
export { signature } from './annotate/signature.ts'
export { simpleFilter } from './annotate/simple-filter.ts'
export type { Texts } from './annotate/texts.ts'
export { tokenize } from './annotate/tokenize.ts'
export type { Batch, Column, Columns, Field } from './batch/batch.ts'
export { numbers, stringAt, utf8, utf8From } from './batch/batch.ts'
export { balance } from './decide/balance.ts'
export type { Address, Decider, RowDecider, Verdict } from './decide/decider.ts'
export { exactDuplicates } from './decide/exact-duplicates.ts'
export { holdout } from './decide/holdout.ts'
export { nearDuplicates } from './decide/near-duplicates.ts'
export { type ErrorCode, HeadraceError } from './errors.ts'
export type { FeedOptions } from './feed/options.ts'
export { readFeed } from './feed/read.ts'
export * as options from './options.ts'
export type { GuardOptions } from './pipeline/guard.ts'
export { gate, type Pipeline, pipeline, rules } from './pipeline/pipeline.ts'
export { type Plan, planPipeline } from './pipeline/plan.ts'
export { topic } from './record/topic.ts'
export { jsonl } from './sources/files/jsonl.ts'
export { textFolder } from './sources/files/text-folder.ts'
export { type KafkaTopicOptions, kafkaTopic } from './sources/kafka/kafka-topic.ts'
export { parquet } from './sources/parquet/parquet.ts'
export type { Source } from './sources/source.ts'
