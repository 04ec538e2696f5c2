// Markup as values: what comes from documents is escaped where it is put in.

/** Markup that is whole and safe to put into more of it. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type HtmlValue = string | number | null | Html | readonly HtmlValue[]

/** A template of markup: strings are escaped, null is nothing, lists follow one another. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(parts.reduce((text, part, i) => text + textOf(values[i - 1]) + part))
}

function textOf(value: HtmlValue): string {
  if (value === null) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(textOf).join('')
  return escapeMarkup(String(value))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A text in which nothing is markup, in elements and in attributes between double quotes. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, sign => entities[sign])
}
