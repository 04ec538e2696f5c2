import { numbers } from '../../batch/batch.ts'
import type { Overrides } from '../../pipeline/overrides.ts'
import { formatCount } from '../../text/figures.ts'
import { drawHistogram, formatTick, type Histogram, type Kind, niceStep, svgOf } from '../charts.ts'
import { type DecidedRows, fates, Kernel } from '../kernel.ts'
import type { ReportData } from '../report-data.ts'
import { fit, make, note, selectOf } from './dom.ts'
import { drawEffect, type EffectOrder } from './effect.ts'
import type { ReportRows } from './rows.ts'
import { boundsOf, commandOf, type Lever, leversOf, pipelineLines } from './thresholds.ts'

const kinds: readonly (readonly [Kind, string])[] = [
  ['kept', 'kept'],
  ['rule', 'dropped by this rule'],
  ['other', 'dropped for another reason'],
  ['anew', 'passes only with this threshold'],
]
const binsCount = 60

interface Range {
  readonly from: number
  readonly to: number
  readonly step: number
}

/** Why there is nothing to try on these rows, or null. */
export function whyNoWhatIf({ parts, rows, valueColumns }: ReportData): string | null {
  const part = parts?.at(-1)
  if (!part)
    return 'This run does not say what decided it, as an older version began it. headrace what-if RUN PIPELINE tells.'
  if (rows.count === 0) return 'There are no documents.'
  const levers = part.rules.length + part.steps.filter(step => 'gate' in step).length + valueColumns.length
  return levers > 0 ? null : 'This run has no rules, and no column that says what a text is worth.'
}

/** The panel of thresholds: what others would keep, counted here from what every row has measured. */
export class WhatIf {
  readonly #data: ReportData
  readonly #rows: ReportRows
  readonly #kernel: Kernel
  readonly #levers: readonly Lever[]
  readonly #overrides = new Map<string, Overrides[string]>()
  readonly #select: HTMLSelectElement
  readonly #slider = make('input', { type: 'range', 'aria-label': 'threshold' })
  readonly #number = make('input', { type: 'number', step: 'any', 'aria-label': 'threshold as a number' })
  readonly #off = make('input', { type: 'checkbox' })
  readonly #log = make('input', { type: 'checkbox', checked: true })
  readonly #by = selectOf('effect by', [
    ['domain', 'by domain'],
    ['language', 'by language'],
  ])
  readonly #unit = selectOf('effect in', [
    ['documents', 'in documents'],
    ['tokens', 'in tokens'],
  ])
  readonly #chart = make('div')
  readonly #effect = make('div')
  readonly #redraw: () => void
  readonly #ranges = new Map<Lever, Range>()
  #lever: Lever
  #now: DecidedRows

  constructor(panel: HTMLElement, data: ReportData, rows: ReportRows) {
    this.#data = data
    this.#rows = rows
    this.#kernel = new Kernel(rows, data.parts!, data.reasons)
    this.#levers = leversOf(data)
    this.#lever = this.#findFirst()
    this.#now = this.#kernel.decide({})
    this.#select = selectOf(
      'rule',
      this.#levers.map(({ text }, i) => [String(i), text]),
    )
    this.#select.value = String(this.#levers.indexOf(this.#lever))
    const reset = make('button', { type: 'button' }, 'as run')
    panel.append(
      this.#describeProof(),
      make(
        'div',
        { class: 'controls' },
        this.#select,
        this.#number,
        reset,
        labelled(this.#off, 'without this rule'),
        labelled(this.#log, 'log scale'),
      ),
      make(
        'div',
        { class: 'try' },
        make('div', {}, this.#chart, make('div', { class: 'axis-wide' }, this.#slider), legend()),
        make('div', {}, make('div', { class: 'controls' }, this.#by, this.#unit), this.#effect),
      ),
    )
    this.#redraw = fit(this.#chart, width => this.#draw(width))
    this.#select.addEventListener('change', () => this.choose(this.#levers[Number(this.#select.value)]))
    for (const input of [this.#slider, this.#number])
      input.addEventListener('input', () => this.#set(input.valueAsNumber))
    this.#off.addEventListener('change', () => this.#leaveOut(this.#off.checked))
    reset.addEventListener('click', () => {
      this.#overrides.clear()
      this.choose(this.#lever)
    })
    for (const input of [this.#log, this.#by, this.#unit]) input.addEventListener('change', () => this.#update())
    this.choose(this.#lever)
  }

  /** The bound with the most documents behind it. */
  #findFirst(): Lever {
    const { rule, rules } = this.#kernel.decide({})
    const counts = new Map<string, number>()
    for (const one of rule) if (one >= 0) counts.set(rules[one].column, (counts.get(rules[one].column) ?? 0) + 1)
    const movable = this.#levers.filter(({ bound }) => bound !== null)
    return movable.toSorted((a, b) => (counts.get(b.column) ?? 0) - (counts.get(a.column) ?? 0))[0] ?? this.#levers[0]
  }

  #describeProof(): HTMLElement {
    const { rows } = this.#data
    const what = `${formatCount(rows.count)}${rows.count < rows.of ? ' sampled' : ''} fates`
    const { unequal } = this.#kernel
    return unequal === 0
      ? make(
          'p',
          { class: 'good', id: 'proof' },
          `All ${what} were recomputed in this page from the stored measurements, and are those of the log.`,
        )
      : make(
          'p',
          { class: 'bad', id: 'proof' },
          `${formatCount(unequal)} of ${what} recomputed in this page are not those of the log: see headrace verify.`,
        )
  }

  choose(lever: Lever): void {
    this.#lever = lever
    const { from, to, step } = this.#range()
    for (const [name, value] of Object.entries({ min: from, max: to, step }))
      this.#slider.setAttribute(name, String(value))
    this.#select.value = String(this.#levers.indexOf(lever))
    const isMovable = lever.bound !== null
    this.#slider.disabled = this.#number.disabled = !isMovable
    this.#slider.hidden = this.#chart.hidden = !isMovable
    this.#update()
  }

  get #value(): number | null {
    const { column, bound, value } = this.#lever
    const own = this.#overrides.get(column)
    return bound && own ? (own[bound] ?? value) : value
  }

  #set(value: number): void {
    const { column, bound } = this.#lever
    if (bound === null || !Number.isFinite(value)) return
    const recorded = boundsOf(this.#data.parts!.at(-1)!, column)
    const own = this.#overrides.get(column)
    const next = { ...(own ? own : recorded), [bound]: value }
    // As it was is no change: a column with several rules would lose the names of all but one.
    if (next.below === recorded.below && next.above === recorded.above) this.#overrides.delete(column)
    else this.#overrides.set(column, next)
    this.#update()
  }

  #leaveOut(isOff: boolean): void {
    if (isOff) this.#overrides.set(this.#lever.column, false)
    else this.#overrides.delete(this.#lever.column)
    this.#update()
  }

  #update(): void {
    const value = this.#value
    this.#off.checked = this.#overrides.get(this.#lever.column) === false
    if (value !== null && document.activeElement !== this.#number) this.#number.value = String(value)
    if (value === null) this.#number.value = ''
    if (value !== null && document.activeElement !== this.#slider) this.#slider.value = String(value)
    if (value === null) this.#slider.value = this.#lever.bound === 'above' ? this.#slider.max : this.#slider.min
    this.#slider.setAttribute('aria-valuetext', value === null ? 'no rule' : formatTick(value))
    this.#now = this.#kernel.decide(Object.fromEntries(this.#overrides))
    this.#redraw()
    this.#describeEffect()
  }

  /** What a slider and a chart span: nearly all values, and the bounds. */
  #range(): Range {
    const known = this.#ranges.get(this.#lever) ?? this.#findRange(this.#lever)
    this.#ranges.set(this.#lever, known)
    return known
  }

  #findRange({ column, bound, value }: Lever): Range {
    if (bound === null) return { from: 0, to: 1, step: 1 }
    const values = this.#kernel.measured(column).sort()
    const at = (share: number) => values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0
    const [low, high] = [Math.min(at(0.005), value ?? at(0)), Math.max(at(0.995), value ?? at(0))]
    const isWhole = values.every(Number.isInteger)
    const step = Math.max(niceStep((high - low || Math.abs(high) || 1) / 200), isWhole ? 1 : 0)
    const round = (end: number) => Number((end * step).toPrecision(12))
    return { from: round(Math.floor(low / step)), to: round(Math.ceil(high / step) + (high > low ? 0 : 1)), step }
  }

  /** Which of `kinds` a row is. */
  #kindOf(row: number): number {
    const { fates: found, rule, rules } = this.#now
    if (found[row] === fates.kept) return 0
    if (found[row] === fates.ruled && rules[rule[row]].column === this.#lever.column) return 1
    return found[row] === fates.anew || found[row] === fates.unmeasured ? 3 : 2
  }

  #draw(width: number) {
    const { column, bound, value } = this.#lever
    const { from, to } = this.#range()
    const values = numbers(this.#rows.batch, column)
    const bins = Array.from({ length: binsCount }, () => kinds.map(() => 0))
    for (let row = 0; row < values.length; row++) {
      if (Number.isNaN(values[row]) || !this.#kernel.isMeasured(row, column)) continue
      const bin = Math.floor(((values[row] - from) / (to - from)) * binsCount)
      bins[Math.max(0, Math.min(binsCount - 1, bin))][this.#kindOf(row)] += this.#weight(row)
    }
    const now = this.#overrides.get(column) === false ? null : this.#value
    const marks: Histogram['marks'] = [
      ...(value === null ? [] : [{ value, text: '', drops: null, isNow: false }]),
      ...(now === null ? [] : [{ value: now, text: `drops ${bound} ${formatTick(now)}`, drops: bound, isNow: true }]),
    ]
    const histogram = { from, to, kinds: kinds.map(([kind]) => kind), bins, marks, isLog: this.#log.checked }
    return svgOf(drawHistogram(histogram, width, width < 500 ? 220 : 340), `documents by ${column}`)
  }

  #weight(row: number): number {
    return this.#data.rows.weights[this.#rows.reason[row]]
  }

  #describeEffect(): void {
    const order = { by: this.#by.value as EffectOrder['by'], unit: this.#unit.value as EffectOrder['unit'] }
    const effect = drawEffect(this.#data, this.#rows, this.#now, order)
    this.#effect.replaceChildren(...effect, ...this.#describeChange())
  }

  /** What makes the change in a pipeline. */
  #describeChange(): HTMLElement[] {
    if (this.#overrides.size === 0) return [note('Move the threshold to see what it would do.')]
    const overrides = Object.fromEntries(this.#overrides)
    const lines = [...pipelineLines(this.#data.parts!.at(-1)!, overrides), commandOf(this.#data.run, overrides)]
    const text = 'As data for the pipeline, and for the same question with duplicates:'
    return [make('p', {}, text), make('pre', { id: 'line', tabindex: 0 }, lines.join('\n'))]
  }
}

const labelled = (input: HTMLElement, text: string) => make('label', {}, input, ` ${text}`)

function legend(): HTMLElement {
  const items = kinds.map(([kind, text]) => make('span', {}, make('span', { class: `swatch ${kind}` }), text))
  return make('div', { class: 'legend' }, ...items)
}
