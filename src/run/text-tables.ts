import type { HeadraceError } from '../errors.ts'
import { refuseTextTables } from '../record/refusals.ts'
import type { RunFile, TextTables } from '../record/run-file.ts'

/** What this Node classifies and normalizes text by. One that was built without them has none, which is another set, too. */
export function textTables(): TextTables {
  const { node, unicode = 'none', icu = 'none' } = process.versions
  return { node, unicode, icu }
}

/**
 * What a run is refused for under this Node, or null. Of the versions, that of Unicode alone says what a class of characters holds and how
 * a text is composed. A run of an older version does not say what it was begun with, and goes on.
 */
export function judgeText(dir: string, { text }: Pick<RunFile, 'text'>): HeadraceError | null {
  const now = textTables()
  return text && text.unicode !== now.unicode ? refuseTextTables(dir, text, now) : null
}
