import { make } from './dom.ts'

/** What a list says of a document. */
export interface ListedDocument {
  readonly tag: HTMLElement
  readonly line: string
  readonly head: string
}

/** Documents in a list, of which one is shown. It is one stop for the tabulator; arrows go through it. Texts are put in as texts alone. */
export class DocumentList<T> {
  readonly element = make('div', { class: 'list', role: 'group', 'aria-label': 'documents' })
  readonly #describe: (one: T) => ListedDocument
  readonly #show: (one: T) => void

  constructor(describe: (one: T) => ListedDocument, show: (one: T) => void) {
    this.#describe = describe
    this.#show = show
    this.element.addEventListener('keydown', event => this.#move(event))
  }

  get length(): number {
    return this.element.children.length
  }

  clear(): void {
    this.element.replaceChildren()
  }

  /** Adds documents; into an empty list it shows the one at `first`. */
  add(documents: readonly T[], first = 0): void {
    const wasEmpty = this.length === 0
    this.element.append(...documents.map(one => this.#item(one)))
    const chosen = wasEmpty ? this.element.children[first] : null
    if (!(chosen instanceof HTMLElement)) return
    chosen.click()
    this.element.scrollTop = chosen.offsetTop - this.element.offsetTop
  }

  #item(one: T): HTMLButtonElement {
    const { tag, line, head } = this.#describe(one)
    const button = make(
      'button',
      { type: 'button', tabindex: -1 },
      tag,
      ` ${line}`,
      make('span', { class: 'cut' }, head),
    )
    button.addEventListener('click', () => {
      for (const other of this.element.children) {
        other.toggleAttribute('aria-current', false)
        other.setAttribute('tabindex', '-1')
      }
      button.setAttribute('aria-current', 'true')
      button.tabIndex = 0
      this.#show(one)
    })
    return button
  }

  #move(event: KeyboardEvent): void {
    const current = this.element.querySelector('[aria-current]')
    const next =
      event.key === 'ArrowDown'
        ? current?.nextElementSibling
        : event.key === 'ArrowUp'
          ? current?.previousElementSibling
          : null
    if (!(next instanceof HTMLElement)) return
    event.preventDefault()
    next.focus()
    next.click()
  }
}
