import type { Annotator } from '../../src/annotate/annotator.ts'
import { stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { plainAnnotator } from '../annotate/plain.ts'

/** Counts the words of a text. */
export function counter(): Annotator {
  return plainAnnotator({
    name: 'counter',
    writes: [{ name: 'words', kind: 'f32' }],
    rules: [{ reason: 'too-many-words', column: 'words', above: 70 }],
    annotate: batch => {
      const column = utf8(batch, 'text')
      const count = (_: unknown, row: number) => stringAt(column, row).split(' ').length
      return { words: { kind: 'f32', values: Float32Array.from({ length: batch.rows }, count) } }
    },
  })
}

/** Adds words to texts of an odd length. */
export const appending = () => editing('appending', text => (text.length % 2 ? `${text} of water and stone` : text))

/** Writes some letters large, which are other tokens of the same words. */
export const shouting = () => editing('shouting', text => text.replaceAll('ea', 'EA'))

function editing(name: string, edit: (text: string) => string): Annotator {
  return plainAnnotator({
    name,
    writes: [{ name: 'text', kind: 'utf8' }],
    annotate: batch => {
      const column = utf8(batch, 'text')
      return { text: utf8From(Array.from({ length: batch.rows }, (_, row) => edit(stringAt(column, row)))) }
    },
  })
}
