import { formatCount, formatMeasured, formatPlural } from '../../text/figures.ts'
import { drawGauge } from '../charts.ts'
import type { Excerpt, ReportData, ShownDocument } from '../report-data.ts'
import { make, selectOf, show } from './dom.ts'
import { boundsOf } from './thresholds.ts'

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
      this.#show(one)
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

  #show(one: ShownDocument): void {
    const { id, place, slot, row, domain, language, evidence, broken, partner, text, noText } = one
    const address = [domain, language, place, `slot ${slot}, row ${row}`].filter(Boolean).join(' · ')
    const sides = [
      [place, text, noText] as const,
      ...(partner ? [[partner.title, partner.text, noText || 'not known'] as const] : []),
    ]
    this.#detail.replaceChildren(
      make('div', {}, tagOf(one), ' ', make('b', {}, id || '(no document)')),
      make('p', { class: 'note' }, address),
      ...(one.fate === 'dead' ? [make('pre', {}, String(evidence ?? ''))] : []),
      ...(broken.length > 0
        ? [
            make(
              'p',
              {},
              `Breaks ${formatPlural(broken.length, 'rule')}: `,
              ...broken.flatMap(name => [make('span', { class: 'tag rule' }, name), ' ']),
            ),
          ]
        : []),
      make(
        'div',
        { class: `sides ${partner ? 'two' : ''}` },
        ...sides.map(([title, excerpt, none]) => sideOf(partner ? title : '', excerpt, none)),
      ),
      this.#measures(one),
    )
  }

  #measures({ values }: ShownDocument): HTMLElement {
    const part = this.#data.parts?.at(-1)
    const cells = this.#data.measures.flatMap((name, i) => {
      const value = values[i]
      if (value === null || value === '') return []
      const { below, above } = part ? boundsOf(part, name) : {}
      const bounds = [...(below === undefined ? [] : [`≥ ${below}`]), ...(above === undefined ? [] : [`≤ ${above}`])]
      const isBroken = typeof value === 'number' && (value < (below ?? value) || value > (above ?? value))
      return [{ name, value, bounds, isBroken, bound: below ?? above ?? null }]
    })
    const sorted = cells.toSorted(
      (a, b) => Number(b.isBroken) - Number(a.isBroken) || Number(b.bounds.length > 0) - Number(a.bounds.length > 0),
    )
    if (sorted.length === 0) return make('p', { class: 'note' }, 'Nothing was measured.')
    const items = sorted.map(({ name, value, bounds, isBroken, bound }) => {
      const gauge = make('span')
      if (typeof value === 'number' && bound !== null) show(gauge, drawGauge(value, bound, isBroken))
      const shown = make('span', { class: isBroken ? 'bad' : null }, formatMeasured(value))
      return make('div', { class: 'measure' }, name, shown, make('span', { class: 'muted' }, bounds.join(', ')), gauge)
    })
    return make('div', { class: 'measures' }, ...items)
  }
}

const fateOf = ({ fate, reason }: ShownDocument) => (fate === 'kept' ? 'kept' : reason)

function tagOf(one: ShownDocument): HTMLElement {
  const kind = one.fate === 'kept' ? 'kept' : one.fate === 'dead' ? 'dead' : one.partner ? 'duplicate' : 'rule'
  return make('span', { class: `tag ${kind}` }, fateOf(one))
}

function sideOf(title: string, excerpt: Excerpt | null, none: string): HTMLElement {
  const heads = title === '' ? [] : [make('small', {}, title)]
  if (!excerpt) return make('div', {}, ...heads, make('p', { class: 'note' }, none))
  const { text, from, length, marks } = excerpt
  const parts: (Node | string)[] = []
  let at = 0
  for (const [begin, end] of marks) {
    parts.push(text.slice(at, begin), make('mark', {}, text.slice(begin, end)))
    at = end
  }
  parts.push(text.slice(at))
  const where =
    text.length < length
      ? `characters ${formatCount(from)} to ${formatCount(from + text.length)} of ${formatCount(length)}`
      : `${formatPlural(length, 'character')}`
  return make(
    'div',
    {},
    ...heads,
    make('pre', { class: 'text', tabindex: 0, dir: 'auto' }, ...parts),
    make('small', {}, where),
  )
}
