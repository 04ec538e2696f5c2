import type { Annotator } from '../../src/annotate/annotator.ts'
import { type Columns, numbers, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'

/** An annotator of texts that measures nothing, but for what is `given`. */
export function plainAnnotator<Given extends Partial<Annotator>>(given: Given): Annotator & Given {
  return {
    name: 'plain',
    version: 1,
    exact: true,
    options: {},
    reads: ['text'],
    writes: [],
    resources: [],
    rules: [],
    annotate: () => ({}),
    ...given,
  }
}

/** What an annotator measures of texts, held against what it says that it writes. */
export async function measureTexts(annotator: Annotator, texts: readonly string[]): Promise<Columns> {
  const columns = await annotator.annotate({ rows: texts.length, columns: { text: utf8From(texts) } })
  checkFields({ rows: texts.length, columns }, annotator.writes, annotator.name)
  return columns
}

export const column = (columns: Columns, name: string) => [...numbers({ rows: 0, columns }, name)]
