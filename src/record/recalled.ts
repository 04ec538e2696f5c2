import { isCount, isListOf, isObjectOf, isOptional, isText, type Shape } from '../disk/json-file.ts'

/**
 * What `run.json` says of a recall: a replay that keeps what another run has dropped and a model finds. Fixed when it begins. Of the run
 * that it recalls from `replays` says which slots.
 */
export interface Recalled {
  /** What is recalled goes to the domain `recalled:<name>`. */
  readonly name: string
  /** Of the seed or model that scores. */
  readonly model: string
  /** The column of scores. A row below `line` is not recalled. */
  readonly column: string
  readonly line: number
  /** The share, in percent of what the run has dropped, that the line was chosen for; none where the line was given. */
  readonly top?: number
  /** Documents that a host or a source may give at most; none without a cap. */
  readonly perHost?: number
  readonly perSource?: number
  /** The column that says a document's source. */
  readonly source: string
  /** Recalls of the same run that had ended before, as `RunName` names them: what they keep is not recalled again. */
  readonly after: readonly { readonly dir: string; readonly id: string }[]
}

/** A model that scores documents, in its file; `head` where a classifier has several. */
export interface ScorerFile {
  readonly kind: 'seed' | 'classifier'
  readonly file: string
  readonly head: string | null
}

/** What makes a recall's plan of the pipeline whose run it recalls from, whose id is `of`. */
export interface RecallOrder {
  readonly recall: Recalled
  readonly of: string
  readonly scorer: ScorerFile
}

const isNumber: Shape = value => typeof value === 'number' && Number.isFinite(value)

export const isRecalled: Shape = isObjectOf({
  name: isText,
  model: isText,
  column: isText,
  line: isNumber,
  top: isOptional(isNumber),
  perHost: isOptional(isCount),
  perSource: isOptional(isCount),
  source: isText,
  after: isListOf(isObjectOf({ dir: isText, id: isText })),
})

/** Columns that a recall has of each row: its standing in the run that it recalls from, and what it was dropped for there or empty. */
export const standingColumn = 'recall:standing'
export const reasonColumn = 'recall:reason'

/** Standings: the run kept the row; an earlier recall did; the run dropped it; and that it has no word, so that it can't be scored. */
export const standings = { kept: 'kept', recalled: 'recalled', dropped: 'dropped', unscored: 'unscored' } as const

/** The names of what a recall adds to a pipeline. */
export const recallNames = { annotator: 'recall', caps: 'recall-caps', domain: 'recall-domain' } as const

/** Why a recall drops rows, but for duplicates. */
export const recallReasons = {
  kept: 'already-kept',
  recalled: 'already-recalled',
  unscored: 'no-score',
  below: 'below-line',
  host: 'over-host-cap',
  source: 'over-source-cap',
  empty: 'nothing-left',
} as const

export const domainOf = (name: string) => `recalled:${name}`
