import type { Annotator } from '../../src/annotate/annotator.ts'
import { type Batch, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { plainAnnotator } from '../annotate/plain.ts'
import { marks } from './corpus.ts'
import { running } from './process.ts'

/** The operator, in which a worker hangs or dies when a fault says so. */
export function obeying(annotator: Annotator): Annotator {
  return { ...annotator, annotate: batch => obey() ?? annotator.annotate(batch) }
}

/** A promise that is never kept, when the worker is to hang or to die in the middle of its job. */
function obey(): Promise<never> | null {
  const worker = running.getStore()?.worker
  const order = worker?.takeOrder()
  if (!order) return null
  if (order === 'crash') worker!.crash()
  return new Promise(() => {})
}

/** Measures something cheap, names a language, and does what the marks in a text say. Without `spaces` these are no letters. */
export function probe(isEdited: boolean, spaces = true): Annotator {
  return plainAnnotator({
    name: 'probe',
    options: { spaces },
    resources: [{ name: 'letters.txt', sha256: isEdited ? 'edited' : 'as it was' }],
    writes: [
      { name: 'letters', kind: 'f32' },
      { name: 'language', kind: 'utf8' },
    ],
    rules: [
      { reason: 'too-short', column: 'letters', below: 30 },
      { reason: 'language', column: 'language', noneOf: ['ru'] },
    ],
    annotate: batch => obey() ?? probeBatch(batch, isEdited ? 7 : 0, spaces),
  })
}

/** `more`: letters that the file says are in every text. */
function probeBatch(batch: Batch, more: number, spaces: boolean): ReturnType<Annotator['annotate']> {
  const worker = running.getStore()?.worker
  const column = utf8(batch, 'text')
  const texts = Array.from({ length: batch.rows }, (_, row) => stringAt(column, row))
  for (const text of texts) {
    if (text.includes(marks.throws)) throw new Error('the text has the mark')
    if (!text.includes(marks.hangs) && !text.includes(marks.crashes)) continue
    if (text.includes(marks.crashes)) worker?.crash()
    return new Promise(() => {})
  }
  return {
    letters: {
      kind: 'f32',
      values: Float32Array.from(texts, text => (spaces ? text : text.replaceAll(' ', '')).length + more),
    },
    language: utf8From(texts.map(text => (/^[а-я]/.test(text) ? 'ru' : 'en'))),
  }
}

/** Why a row with this text is dead, where the reason is no measurement. */
export function poisonOf(text: string): string | null {
  if (text.includes(marks.throws)) return null
  if (text.includes(marks.hangs)) return 'took-too-long'
  return text.includes(marks.crashes) ? 'crashed-worker' : null
}
