/** Columns of a page: the terminal's, within reason; a pipe gets 100. */
export function pageWidth({ out }: { readonly out: { readonly columns?: number } }): number {
  return Math.max(40, Math.min(140, out.columns ?? 100))
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
  return `${text.slice(0, fit(text, width - 1))}…`
}

/** Lines of at most `width` columns, cut at spaces where there are some. `textLinesMax` lines at most, the last with an ellipsis. */
export function wrapText(text: string, width: number, textLinesMax = Number.POSITIVE_INFINITY): string[] {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let rest = paragraph.trimEnd()
    do {
      if (lines.length === textLinesMax) return [...lines.slice(0, -1), clipText(`${lines.at(-1)}…`, width)]
      const end = lineEnd(rest, width)
      lines.push(rest.slice(0, end).trimEnd())
      rest = rest.slice(end).trimStart()
    } while (rest !== '')
  }
  return lines
}

/** Wrapped lines of at most `width` columns with their `margin`. */
export function indentText(text: string, width: number, margin: string): string {
  const lines = wrapText(text, width - displayWidth(margin))
  return lines.map(line => `${margin}${line}\n`).join('')
}

/** Rows of a name and a text beside it, the text wrapped under itself. */
export function formatPairs(rows: readonly (readonly [string, string])[], width: number, indent = 2): string {
  const left = Math.max(0, ...rows.map(([name]) => displayWidth(name))) + indent + 2
  const lines = rows.flatMap(([name, text]) =>
    wrapText(text, Math.max(20, width - left)).map((line, i) =>
      `${(' '.repeat(indent) + (i ? '' : name)).padEnd(left)}${line}`.trimEnd(),
    ),
  )
  return lines.map(line => `${line}\n`).join('')
}

/** Index after the characters that fit `width` columns. */
function fit(text: string, width: number): number {
  let [used, index] = [0, 0]
  for (const character of text) {
    used += displayWidth(character)
    if (used > width) break
    index += character.length
  }
  return index
}

function lineEnd(text: string, width: number): number {
  const end = Math.max(fit(text, width), 1)
  if (end >= text.length) return text.length
  const space = text.lastIndexOf(' ', end)
  return space > end / 2 ? space : end
}

/** Text without control characters, which would move a terminal's cursor or change its colours; line breaks stay. */
export function printable(text: string): string {
  return text.toWellFormed().replace(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu, ' ')
}
