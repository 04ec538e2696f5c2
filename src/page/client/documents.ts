import { formatCount } from '../../text/figures.ts'
import type { ReportData, ShownDocument } from '../report-data.ts'
import { fateOf, tagOf, viewDocument } from './document-view.ts'
import { make, selectOf } from './dom.ts'

/** Few documents, to be read: a list with filters, and one of them with all that is known of it. Texts are put in as texts alone. */
export class Documents {
  readonly #data: ReportData
  readonly #search = make('input', {
    type: 'search',
    placeholder: 'search text, id, file:line',
    'aria-label': 'search',
  })
  readonly #reason: HTMLSelectElement
  readonly #domain: HTMLSelectElement
  readonly #list = make('div', { class: 'list', role: 'group', 'aria-label': 'documents' })
  readonly #detail = make('div', { 'aria-live': 'polite' })

  constructor(panel: HTMLElement, data: ReportData) {
    this.#data = data
    const { documents } = data
    const counted = (names: readonly string[]) => {
      const counts = new Map<string, number>()
      for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
      return [...counts]
        .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
        .map(([name, count]) => [`=${name}`, `${name} (${count})`] as const)
    }
    this.#reason = selectOf('fate', [['', 'all fates'], ...counted(documents.map(fateOf))])
    this.#domain = selectOf('domain', [
      ['', 'all domains'],
      ...counted(documents.map(({ domain }) => domain || '(none)')),
    ])
    panel.append(
      make(
        'p',
        { class: 'note' },
        `${formatCount(documents.length)} of the run’s records, some of each reason, with the evidence marked. Marks are found again for this page; what was measured stands beside the text.`,
      ),
      make('div', { class: 'controls' }, this.#search, this.#reason, this.#domain),
      make('div', { class: 'browse' }, this.#list, this.#detail),
    )
    for (const input of [this.#search, this.#reason, this.#domain]) input.addEventListener('input', () => this.#fill())
    this.#list.addEventListener('keydown', event => this.#move(event))
    this.#fill()
  }

  /** Shows the documents of a reason. */
  filter(reason: string): void {
    this.#search.value = this.#domain.value = ''
    this.#reason.value = `=${reason}`
    this.#fill()
  }

  #fill(): void {
    const wanted = this.#search.value.toLowerCase()
    const found = this.#data.documents.filter(one => {
      if (this.#reason.value !== '' && this.#reason.value !== `=${fateOf(one)}`) return false
      if (this.#domain.value !== '' && this.#domain.value !== `=${one.domain || '(none)'}`) return false
      return (
        wanted === '' || [one.id, one.place, one.text?.text ?? ''].some(text => text.toLowerCase().includes(wanted))
      )
    })
    this.#list.replaceChildren(...found.map(one => this.#item(one)))
    // A document beside the one that it repeats shows best what a page has.
    const place = Math.max(
      0,
      found.findIndex(one => one.partner && one.text?.marks.length),
    )
    const first = this.#list.children[place]
    if (first instanceof HTMLElement) {
      first.click()
      this.#list.scrollTop = first.offsetTop - this.#list.offsetTop
    } else this.#detail.replaceChildren(make('p', { class: 'note' }, 'No document here is of that.'))
  }

  #item(one: ShownDocument): HTMLButtonElement {
    const { domain, language, place, text, noText } = one
    const line = [domain || place.split('/').at(-1)!, language].filter(Boolean).join(' · ')
    const button = make(
      'button',
      { type: 'button', tabindex: -1 },
      tagOf(one),
      ` ${line}`,
      make('span', { class: 'cut' }, (text?.text ?? noText).slice(0, 200)),
    )
    button.addEventListener('click', () => {
      for (const other of this.#list.children) {
        other.toggleAttribute('aria-current', false)
        other.setAttribute('tabindex', '-1')
      }
      button.setAttribute('aria-current', 'true')
      button.tabIndex = 0
      this.#detail.replaceChildren(...viewDocument(one, this.#data.measures, this.#data.parts?.at(-1) ?? null))
    })
    return button
  }

  /** The list is one stop for the tabulator; arrows go through it. */
  #move(event: KeyboardEvent): void {
    const current = this.#list.querySelector('[aria-current]')
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
