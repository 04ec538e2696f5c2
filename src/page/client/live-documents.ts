import { formatCount, formatPlural } from '../../text/figures.ts'
import type { DescribedDocument } from '../live/describe-document.ts'
import type { FoundDocument, FoundDocuments } from '../live/find-documents.ts'
import { DocumentList, type ListedDocument } from './document-list.ts'
import { viewDocument } from './document-view.ts'
import { make, note, selectOf } from './dom.ts'
import { askServer } from './server.ts'

/** Documents of the whole run by what became of them, some at a time, read when they are asked for. */
export class LiveDocuments {
  readonly #text = make('input', {
    type: 'search',
    placeholder: 'text, id or file:line',
    'aria-label': 'text, id or file:line',
  })
  readonly #fate = selectOf('fate', [
    ['', 'all fates'],
    ['kept', 'kept'],
    ['dropped', 'dropped'],
    ['dead', 'dead'],
  ])
  readonly #reason = make('input', { type: 'text', placeholder: 'reason', 'aria-label': 'reason' })
  readonly #domain = make('input', { type: 'text', placeholder: 'domain', 'aria-label': 'domain' })
  readonly #said = make('p', { class: 'note', role: 'status' })
  readonly #list = new DocumentList(describe, (one: FoundDocument) => void this.#show(one))
  readonly #more = make('button', { type: 'button', hidden: true }, 'go on')
  readonly #detail = make('div', { 'aria-live': 'polite' })
  #next: string | null = null
  #slots = 0
  /** Of the newest question of each kind: what comes of an older one is nobody's concern. */
  #asked = 0
  #shown = 0

  constructor(panel: HTMLElement) {
    const find = make('button', { type: 'submit', id: 'find' }, 'Find')
    const form = make('form', { class: 'controls' }, this.#text, this.#fate, this.#reason, this.#domain, find)
    form.addEventListener('submit', event => {
      event.preventDefault()
      this.#begin()
    })
    this.#more.addEventListener('click', () => this.#ask())
    const side = make('div', {}, this.#list.element, this.#more)
    panel.append(
      note('From the first slot on, with the evidence marked.'),
      form,
      this.#said,
      make('div', { class: 'browse' }, side, this.#detail),
    )
  }

  /** Shows the documents of a reason. */
  filter(reason: string): void {
    this.#text.value = this.#domain.value = ''
    this.#fate.value = 'dropped'
    this.#reason.value = reason
    this.#begin()
  }

  #begin(): void {
    this.#next = null
    this.#slots = 0
    this.#list.clear()
    this.#detail.replaceChildren()
    void this.#ask()
  }

  async #ask(): Promise<void> {
    const asked = ++this.#asked
    this.#said.textContent = 'reading'
    try {
      const found = await askServer<FoundDocuments>(`api/documents?${this.#parameters()}`)
      if (asked === this.#asked) this.#take(found)
    } catch (error) {
      if (asked === this.#asked) this.#said.textContent = (error as Error).message
    }
  }

  #parameters(): URLSearchParams {
    const given = {
      q: this.#text.value,
      fate: this.#fate.value,
      reason: this.#reason.value,
      domain: this.#domain.value,
      after: this.#next ?? '',
    }
    return new URLSearchParams(Object.entries(given).filter(([, value]) => value !== ''))
  }

  #take({ documents, next, scanned }: FoundDocuments): void {
    this.#next = next
    this.#slots += scanned.slots
    this.#list.add(documents)
    this.#more.hidden = next === null
    const count = this.#list.length
    const where = `${formatPlural(this.#slots, 'slot')} looked at${next === null ? ', which is all that is decided' : ''}`
    const textless =
      scanned.textless > 0 ? ` ${formatPlural(scanned.textless, 'row')} of the last ones have no stored text.` : ''
    this.#said.textContent = `${count === 0 ? 'None' : formatCount(count)} found, ${where}.${textless}`
  }

  async #show({ slot, row }: FoundDocument): Promise<void> {
    const shown = ++this.#shown
    const put = (...parts: (Node | string)[]) => shown === this.#shown && this.#detail.replaceChildren(...parts)
    try {
      const { document, measures, part } = await askServer<DescribedDocument>(`api/documents/${slot}/${row}`)
      put(...viewDocument(document, measures, part))
    } catch (error) {
      put(note((error as Error).message))
    }
  }
}

function describe({ fate, reason, domain, language, place, head, noText }: FoundDocument): ListedDocument {
  const kind = { kept: 'kept', dropped: 'rule', dead: 'dead' }[fate]
  const tag = make('span', { class: `tag ${kind}` }, fate === 'kept' ? 'kept' : reason)
  return { tag, line: [domain, language, place].filter(Boolean).join(' · '), head: head || noText }
}
