import { formatCount } from '../../text/figures.ts'
import type { ReportData, ShownDocument } from '../report-data.ts'
import { DocumentList, type ListedDocument } from './document-list.ts'
import { fateOf, tagOf, viewDocument } from './document-view.ts'
import { make, note, selectOf } from './dom.ts'

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
  readonly #list = new DocumentList(describe, (one: ShownDocument) => this.#show(one))
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
      note(
        `${formatCount(documents.length)} of the run’s records, some of each reason, with the evidence marked. Marks are found again for this page; what was measured stands beside the text.`,
      ),
      make('div', { class: 'controls' }, this.#search, this.#reason, this.#domain),
      make('div', { class: 'browse' }, this.#list.element, this.#detail),
    )
    for (const input of [this.#search, this.#reason, this.#domain]) input.addEventListener('input', () => this.#fill())
    this.#fill()
  }

  /** Shows the documents of a reason. */
  filter(reason: string): void {
    this.#search.value = this.#domain.value = ''
    this.#reason.value = `=${reason}`
    this.#fill()
  }

  #show(one: ShownDocument): void {
    this.#detail.replaceChildren(...viewDocument(one, this.#data.measures, this.#data.parts?.at(-1) ?? null))
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
    this.#list.clear()
    // A document beside the one that it repeats shows best what a page has.
    const first = found.findIndex(one => one.partner && one.text?.marks.length)
    this.#list.add(found, Math.max(0, first))
    if (found.length === 0) this.#detail.replaceChildren(note('No document here is of that.'))
  }
}

function describe(one: ShownDocument): ListedDocument {
  const { domain, language, place, text, noText } = one
  const line = [domain || place.split('/').at(-1)!, language].filter(Boolean).join(' · ')
  return { tag: tagOf(one), line, head: (text?.text ?? noText).slice(0, 200) }
}
