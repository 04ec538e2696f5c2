import type { Html } from '../html.ts'

type Attributes = Readonly<Record<string, string | number | boolean | null>>

/** An element. Texts are put in as texts; an attribute that is null or false is left out. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes))
    if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : String(value))
  element.append(...children)
  return element
}

/** A remark about what is shown. */
export const note = (text: string) => make('p', { class: 'note' }, text)

/** A panel of the page, which its markup has. */
export const panelOf = (id: string) => document.getElementById(id)!

/** A click on what has a reason shows its documents. What is in the element may change. */
export function listenForReasons(element: HTMLElement, documents: { filter(reason: string): void }): void {
  element.addEventListener('click', ({ target }) => {
    const reason = (target as Element).closest<HTMLElement>('[data-reason]')?.dataset.reason
    if (reason === undefined) return
    documents.filter(reason)
    panelOf('documents').scrollIntoView()
  })
}

/** Puts markup of our own into an element, in which whatever came from documents is escaped. */
export function show(element: Element, markup: Html): void {
  element.innerHTML = markup.text
}

/** An element that draws itself as wide as it is, again when that changes. Returns what draws it once more. */
export function fit(element: HTMLElement, draw: (width: number) => Html): () => void {
  let drawn = 0
  const redraw = () => {
    drawn = element.clientWidth
    if (drawn > 0) show(element, draw(drawn))
  }
  new ResizeObserver(() => element.clientWidth !== drawn && redraw()).observe(element)
  redraw()
  return redraw
}

export function selectOf(
  label: string,
  options: readonly (readonly [value: string, text: string])[],
): HTMLSelectElement {
  return make('select', { 'aria-label': label }, ...options.map(([value, text]) => make('option', { value }, text)))
}

/** A table whose first row is its head. `all` is the number of a row of sums, or -1. */
export function tableOf(rows: readonly (readonly (string | Node)[])[], all = -1): HTMLTableElement {
  const [head, ...body] = rows.map((cells, i) =>
    make('tr', { class: i === all ? 'all' : null }, ...cells.map(cell => make(i === 0 ? 'th' : 'td', {}, cell))),
  )
  return make('table', { class: 'wide lines' }, make('thead', {}, head), make('tbody', {}, ...body))
}
