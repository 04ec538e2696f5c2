import { basename } from 'node:path'
import { figuresOf } from '../record/figures.ts'
import { decidedEnd } from '../record/standing.ts'
import { formatBytes, formatCount, formatPlural, formatShare } from '../text/figures.ts'
import { cleanName } from '../text/printable.ts'
import { drawShare, formatCell, heatLevel } from './charts.ts'
import type { Counts } from './collect.ts'
import { kindOfReason } from './funnel.ts'
import { type Html, html } from './html.ts'
import { joinClient } from './join-modules.ts'
import { packReport, type Report } from './report.ts'
import type { ReportData } from './report-data.ts'
import { writePage } from './shell.ts'

/** The whole report as one page. `against`: the panels of a comparison with another run, or null. */
export async function writeReport(report: Report, against: Html | null): Promise<string> {
  const data = await packReport(report)
  const { run } = report
  const name = cleanName(basename(run.dir))
  const body = html`<header><h1>${name}</h1>${chipsOf(report)}</header>
<main>
${notesOf(report, data).map(note => html`<p class="note">${note}</p>`)}
${figureCards(report)}
<div class="grid-of">
${reasonPanel(report)}
${heatPanel(report)}
${against}
<section class="card" id="what-if" aria-labelledby="what-if-title"><h2 id="what-if-title">What if this threshold were another?</h2></section>
<section class="card" id="documents" aria-labelledby="documents-title"><h2 id="documents-title">Documents</h2></section>
<section class="card w6" id="mixture" aria-labelledby="mixture-title"><h2 id="mixture-title">What the trainer saw</h2></section>
<section class="card w6" id="drift" aria-labelledby="drift-title"><h2 id="drift-title">Drift over the input</h2></section>
<section class="card" id="values" aria-labelledby="values-title"><h2 id="values-title">What texts are worth</h2></section>
</div>
</main>
<noscript><p>What-if, documents and charts are drawn by the script of this page, which is not run here.</p></noscript>`
  return writePage({ title: `${name}: Headrace report`, body, script: joinClient('report'), data })
}

function chipsOf({ run, isEnded, standing }: Report): Html {
  const { decide, annotate } = run.run.segments.at(-1)!
  const slots = decidedEnd(standing)
  const chips = [
    html`pipeline <b>${cleanName(run.run.pipeline)}</b>`,
    html`<b>${isEnded ? 'finished' : 'still going'}</b>`,
    html`${formatPlural(slots, 'slot')}`,
    html`annotate <code>${annotate.slice(0, 16)}</code>`,
    html`decide <code>${decide.slice(0, 16)}</code>`,
  ]
  return html`${chips.map(chip => html`<span class="chip">${chip}</span>`)}`
}

/** What a reader has to know before believing the rest. */
function notesOf({ run, isEnded, standing, collection }: Report, { rows, parts }: ReportData): string[] {
  const { slot } = standing.decide
  const trimmed = `Slots before ${formatCount(run.first)} were trimmed: the figures above the line of panels are of the whole run, all else is of what is left.`
  const sample = `Thresholds are tried on ${formatCount(rows.count)} of ${formatCount(rows.of)} documents (${formatShare(rows.count, rows.of)}), chosen by a hash of their addresses, at least 200 of each reason that has them: counts with ≈ are estimates.`
  return [
    ...(isEnded ? [] : [`The run has not ended: this is what was decided before slot ${formatCount(slot)}.`]),
    ...(run.first > 0 ? [trimmed] : []),
    ...(rows.of === 0 ? ['There are no documents: nothing was read, or no record became one.'] : []),
    ...(rows.count < rows.of ? [sample] : []),
    ...(parts
      ? []
      : [
          'This run was begun by an older version, which did not record what decided it: rules and thresholds are missing here, and not guessed.',
        ]),
    ...(collection.hasLanguage || !parts ? [] : ['This run did not identify languages.']),
  ]
}

function figureCards({ run, standing }: Report): Html {
  const { decide, shard } = figuresOf(standing)
  const dropped = Object.values(decide.dropped).reduce((sum, count) => sum + count, 0)
  const share = (count: number) => formatShare(count, decide.documents)
  const cards: [name: string, figure: number, below: string][] = [
    ['documents', decide.documents, `${formatBytes(decide.textBytes)} of text`],
    ['kept', decide.kept, share(decide.kept)],
    ['dropped', dropped, share(dropped)],
    ['dead', decide.dead, share(decide.dead)],
  ]
  if (run.run.tokenizer !== null) cards.push(['tokens', shard.tokens, `in ${formatPlural(shard.shards, 'shard')}`])
  return html`<div class="figures">${cards.map(
    ([name, figure, below]) =>
      html`<div class="figure" id="figure-${name}"><span class="muted">${name}</span><b>${formatCount(figure)}</b><span class="muted">${below}</span></div>`,
  )}</div>`
}

/** Rows of a list that stand before its fold. */
const foldAfter = 12

function reasonPanel({ standing, collection }: Report): Html {
  const { decide } = standing
  const all = [...Object.entries(decide.totals.dropped), ...collection.dead]
  const sorted = all.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  const most = sorted[0]?.[1] ?? 0
  const rows = sorted.map(([reason, count]) => {
    const kind = kindOfReason(reason, collection.parts, collection.dead)
    const name = cleanName(reason)
    return html`<button class="plain" data-reason="${name}">${name}</button><span>${drawShare(count / most, kind)}</span><span>${formatCount(count)}</span><span>${formatShare(count, decide.totals.documents)}</span>`
  })
  const more = rows.slice(foldAfter)
  const fold =
    more.length > 0
      ? html`<details><summary>${formatPlural(more.length, 'more reason')}</summary><div class="why">${more}</div></details>`
      : null
  const none = rows.length === 0 ? html`<p>Nothing was dropped, and no record is dead.</p>` : null
  return html`<section class="card w5" id="reasons"><h2>Why documents went</h2><p class="note">Each record has one fate. A reason shows its documents.</p>${none}<div class="why">${rows.slice(0, foldAfter)}</div>${fold}<div class="legend"><span><span class="swatch rule"></span>a rule</span><span><span class="swatch duplicate"></span>a decider</span><span><span class="swatch dead"></span>dead</span></div><h3>What is left after each stage</h3><div id="funnel"></div></section>`
}

function heatPanel({ collection }: Report): Html {
  const { byDomain, byLanguage } = collection
  const domains = heatTable(byDomain, 'domain', collection)
  const languages =
    byLanguage.size > 0
      ? html`<details><summary>by language</summary>${heatTable(byLanguage, 'language', collection)}</details>`
      : null
  return html`<section class="card w7" id="lost"><h2>What each domain lost, and to what</h2><p class="note">Share of the documents of a domain, dead records not among them. · is less than 0.5%.</p>${domains}${languages}</section>`
}

const heatColumns = 11

function heatTable(groups: Counts, what: string, { parts, dead }: Report['collection']): Html {
  const sums = new Map<string, number>()
  for (const counts of groups.values())
    for (const [reason, count] of counts) if (reason !== '') sums.set(reason, (sums.get(reason) ?? 0) + count)
  const reasons = [...sums].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([reason]) => reason)
  const [shown, rest] = [reasons.slice(0, heatColumns), reasons.slice(heatColumns)]
  const all = [...groups].map(([name, counts]) => ({ name, counts, sum: sumOf(counts) }))
  const sorted = all.sort((a, b) => b.sum - a.sum || (a.name < b.name ? -1 : 1))
  const columns = ['', ...shown]
  const kinds = columns.map(reason => (reason === '' ? 'kept' : kindOfReason(reason, parts, dead)))
  const heads = [...shown.map(reason => cleanName(reason)), ...(rest.length > 0 ? [`${rest.length} others`] : [])]
  const rowOf = ({ name, counts, sum }: (typeof all)[number]) => {
    const shares = columns.map(reason => (counts.get(reason) ?? 0) / sum)
    const others = rest.reduce((total, reason) => total + (counts.get(reason) ?? 0), 0) / sum
    const cells = rest.length > 0 ? [...shares, others] : shares
    const shownName = cleanName(name) || '(none)'
    return html`<tr><td title="${shownName}">${shownName}</td><td class="n">${formatCount(sum)}</td>${cells.map((share, i) => html`<td class="${kinds[i] ?? 'rule'} heat${heatLevel(share)}">${formatCell(share)}</td>`)}</tr>`
  }
  const table = (rows: typeof all) =>
    html`<div class="scroll" tabindex="0"><table class="heat"><thead><tr><th>${what}</th><th><span>documents</span></th><th><span>kept</span></th>${heads.map(name => html`<th><span>${name}</span></th>`)}</tr></thead><tbody>${rows.map(rowOf)}</tbody></table></div>`
  const more = sorted.slice(foldAfter, foldAfter + 48)
  const left = sorted.length - foldAfter - more.length
  const summary = `${formatPlural(more.length, `more ${what}`)}${left > 0 ? `, ${formatCount(left)} left out` : ''}`
  const fold = more.length > 0 ? html`<details><summary>${summary}</summary>${table(more)}</details>` : null
  return html`${table(sorted.slice(0, foldAfter))}${fold}`
}

const sumOf = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0)
