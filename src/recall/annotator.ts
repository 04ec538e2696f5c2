import type { Annotator, Rule } from '../annotate/annotator.ts'
import type { Batch } from '../batch/batch.ts'
import { numbers, stringAt, utf8, utf8From } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import {
  type RecallOrder,
  reasonColumn,
  recallNames,
  recallReasons,
  standingColumn,
  standings,
} from '../record/recalled.ts'
import { storedName } from '../run/measure/reuse.ts'
import type { Scorer } from './scorer.ts'

/**
 * The first annotator of a recall: it tells how a row stands in the run that is recalled from, and scores the text that is stored of it, which
 * of a row that a gate stopped is the text as it was there. Its rules are the recall's. Throws `bad-option` where the model is another one.
 */
export function recallAnnotator({ recall, of }: RecallOrder, { column, annotator: model }: Scorer): Annotator {
  const field = model.writes.find(({ name }) => name === column)
  if (!field || column !== recall.column)
    throw new HeadraceError(
      'bad-option',
      `the model writes '${column}', and the recall was begun with '${recall.column}'`,
    )
  const after = recall.after.map(({ id }) => id)
  return {
    name: recallNames.annotator,
    version: 1,
    exact: model.exact,
    options: { of, after, model: model.name, version: model.version, column },
    // What it reads is none of the pipeline's columns: how they are got for a row is no part of what it gives.
    reads: [],
    writes: [{ name: standingColumn, kind: 'utf8' }, { name: reasonColumn, kind: 'utf8' }, field],
    resources: model.resources,
    rules: rulesOf(recall.column, recall.line),
    annotate: async (batch: Batch) => {
      const [told, reason, text] = [standingColumn, reasonColumn, 'text'].map(name => batch.columns[storedName(name)])
      const scored = await model.annotate({ rows: batch.rows, columns: { text } })
      const scores = numbers({ rows: batch.rows, columns: scored }, column)
      const known = utf8({ rows: batch.rows, columns: { told } }, 'told')
      const standingOf = (row: number) => {
        const standing = stringAt(known, row)
        return standing === standings.dropped && Number.isNaN(scores[row]) ? standings.unscored : standing
      }
      const standing = utf8From(Array.from({ length: batch.rows }, (_, row) => standingOf(row)))
      return { [standingColumn]: standing, [reasonColumn]: reason, [column]: scored[column] }
    },
  }
}

function rulesOf(column: string, line: number): Rule[] {
  const stands = (standing: string, reason: string): Rule => ({ reason, column: standingColumn, noneOf: [standing] })
  return [
    stands(standings.kept, recallReasons.kept),
    stands(standings.recalled, recallReasons.recalled),
    stands(standings.unscored, recallReasons.unscored),
    { reason: recallReasons.below, column, below: line },
  ]
}
