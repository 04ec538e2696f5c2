import type { Annotator } from '../../src/annotate/annotator.ts'

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
