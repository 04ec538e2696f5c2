import type { LabelledText } from '../value/examples.ts'
import type { ChosenRows } from '../value/run-texts.ts'
import type { InputText, Unread } from './input-text.ts'
import { readInput, type TextPlace } from './read-texts.ts'

/** Which fields say what of a text. `groups` is `host`, `file`, `document`, or a field or column. */
export interface TextFields extends TextPlace {
  readonly url: string
  readonly source: string
  readonly groups: string
}

/** A text with its group and source. */
export interface GroupedText extends Omit<LabelledText, 'target'>, Pick<InputText, 'field' | 'place'> {}

/**
 * The texts of paths, globs and rows of runs with their groups and sources, one after another. What is passed over is counted in `unread`;
 * `isChosen` passes over rows of runs, and is no loss.
 */
export async function* readGroupedTexts(
  input: readonly string[],
  fields: TextFields,
  unread: Unread,
  isChosen?: ChosenRows,
): AsyncGenerator<GroupedText> {
  let number = 0
  for await (const text of readInput(input, fields, unread, isChosen)) yield groupText(text, fields, number++)
}

/** `number` tells texts of one file apart. */
export function groupText(
  { bytes, url, file, place, field }: InputText,
  fields: TextFields,
  number: number,
): GroupedText {
  const host = hostOf(url)
  const source = field(fields.source) ?? host ?? file
  const named = new Map([
    ['host', host ?? source],
    ['file', file],
    // A row of a run is one document in all lists that have it.
    ['document', `${file} ${place ? `${place.slot} ${place.row}` : number}`],
  ])
  const group = named.get(fields.groups) ?? field(fields.groups) ?? source
  return { bytes, group, source, place, field }
}

/** The host of a URL, with its port; null where it is none. */
export function hostOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).host || null : null
}
