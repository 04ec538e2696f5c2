import { clipText, displayWidth, findFit } from '../text/printable.ts'

export { cleanName, cleanPath, clipText, displayWidth, printable } from '../text/printable.ts'

/** Columns of a page: the terminal's, within reason; a pipe gets 100. */
export function pageWidth({ out }: { readonly out: { readonly columns?: number } }): number {
  return Math.max(40, Math.min(140, out.columns ?? 100))
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

function lineEnd(text: string, width: number): number {
  const end = Math.max(findFit(text, width), 1)
  if (end >= text.length) return text.length
  const space = text.lastIndexOf(' ', end)
  return space > end / 2 ? space : end
}
