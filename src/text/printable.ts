// Text of strangers where people read it: names, ids, files, reasons and whole documents, on terminals, in lines of logs and in labels.

/** What steers a terminal, ends a line where a reader sees none, or turns the order in which the rest is read. Line feeds are not. */
const steering = /[^\P{Cc}\n]|[\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** Text in which nothing steers a terminal: a space stands for what is white, and U+FFFD for the rest. Line feeds stay. */
export function printable(text: string): string {
  return text.toWellFormed().replace(steering, sign => (/\s/.test(sign) ? ' ' : '\ufffd'))
}

/** UTF-16 units of a name that are looked at for each column: marks take no column, and a name may have a million. */
const unitsPerColumn = 4
const nameColumnsMax = 60

/** A name for a line of text: printable, of one line, and cut to `columnsMax` columns, with an ellipsis where something was cut. */
export function cleanName(name: string, columnsMax: number = nameColumnsMax): string {
  const short = name.slice(0, unitsPerColumn * columnsMax)
  const clean = printable(short).replaceAll('\n', ' ')
  return clipText(short === name ? clean : `${clean}…`, columnsMax)
}

/** A path is of use whole, unless it is absurd. */
const pathColumnsMax = 300

/** A path for a line of text, as `cleanName`; longer ones stay whole. */
export function cleanPath(path: string): string {
  return cleanName(path, pathColumnsMax)
}

/** The same text with escapes, `\u001b`, for what steers a terminal. JSON stays the same value. Line feeds stay. */
export function escapeControls(text: string): string {
  return text.toWellFormed().replace(steering, sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]/u

/** Columns on a terminal: wide East Asian characters and emoji take two, marks none. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text)
    if (wide.test(character)) width += 2
    else if (!/\p{Mn}/u.test(character)) width++
  return width
}

/** The text's beginning that fits `width` columns, with an ellipsis where something was cut. */
export function clipText(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  return `${text.slice(0, findFit(text, width - 1))}…`
}

/** Index after the characters that fit `width` columns. */
export function findFit(text: string, width: number): number {
  let index = 0
  let used = 0
  for (const character of text) {
    used += displayWidth(character)
    if (used > width) break
    index += character.length
  }
  return index
}
