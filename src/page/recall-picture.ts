import { formatCount, formatPlural, formatShare, formatShort } from '../text/figures.ts'
import { type BandRecall, expectedShare, type Pairs, type RecallBin } from './band-recall.ts'
import { type Chart, fix, label, rule } from './charts.ts'
import { html } from './html.ts'

/** What was compared, for below the title. */
export function describeRecall({ chosen, compared, of, isByDomain, since }: BandRecall): string {
  const which = [...(isByDomain ? [', of one domain'] : []), ...(since > 0 ? [`, since slot ${since}`] : [])].join('')
  if (chosen === of) return `all pairs of ${formatCount(of)} documents${which}`
  const documents = formatPlural(chosen, 'document')
  if (compared === of)
    return `pairs of ${documents}, chosen by a hash of addresses, with all ${formatCount(of)}${which}`
  return `pairs of ${documents} with ${formatCount(compared)} of ${formatCount(of)}, both chosen by hashes of addresses${which}`
}

const height = 300
const [left, top, right, bottom] = [44, 22, 14, 60]

/** The share of pairs that share a band, by their similarity, beside what so many bands give. */
export function drawRecall(recall: BandRecall, width: number): Chart[] {
  const { bins, similarity } = recall
  const [wide, tall] = [width - left - right, height - top - bottom]
  const least = bins[0].from
  const x = (value: number) => left + ((value - least) / (1 - least)) * wide
  const y = (share: number) => top + (1 - share) * tall
  const shares = [0, 0.25, 0.5, 0.75, 1].map(share => [
    rule(left, y(share), left + wide, y(share)),
    label(left - 6, y(share) + 4, `${share * 100}%`, 'end'),
  ])
  const step = wide / bins.length
  const axis = bins.map(({ from, count }) => [
    label(x(from), top + tall + 16, from.toFixed(2), 'middle'),
    label(x(from) + step / 2, top + tall + 34, count === 0 ? '·' : formatShort(count), 'middle', 'name'),
  ])
  const steps = Array.from({ length: 101 }, (_, i) => least + ((1 - least) * i) / 100)
  const curve = steps.map(value => `${fix(x(value))} ${fix(y(expectedShare(value, recall)))}`).join('L')
  const at = x(Math.max(least, similarity))
  const anchor = at > left + wide / 2 ? 'end' : 'start'
  const mark = [
    rule(at, top, at, top + tall, 'now'),
    label(at, 14, `nearDuplicates() drops from ${similarity}`, anchor, 'name'),
  ]
  const below = label(left, height - 6, 'pairs by similarity, as their signatures tell it')
  const body = html`${shares}${axis}${label(x(1), top + tall + 16, '1', 'middle')}<path d="M${curve}" class="was"/>${mark}${bins.map(bin => drawBin(bin, x, y))}${below}`
  return [{ width, height, body }, drawSum(recall, width)]
}

function drawBin(bin: RecallBin, x: (value: number) => number, y: (share: number) => number) {
  const { from, count, sharing, similarity } = bin
  if (count === 0) return null
  const at = x(similarity / count)
  const [low, high] = intervalOf(bin)
  const hint = `from ${from.toFixed(2)}: ${formatCount(sharing)} of ${formatPlural(count, 'pair')} share a band`
  return html`${rule(at, y(low), at, y(high), 'line')}<circle cx="${fix(at)}" cy="${fix(y(sharing / count))}" r="4" class="kept"><title>${hint}</title></circle>`
}

/** What the picture comes to, in words. */
function drawSum({ bands, rows, similarity, alike }: BandRecall, width: number): Chart {
  const expected = `dashed: 1 − (1 − s^${rows})^${bands}, for ${bands} bands of ${rows} places; points: what is measured, with intervals of 95%`
  const { count, sharing } = alike
  const [low, high] = intervalOf(alike).map(share => formatShare(share, 1))
  const found =
    count === 0
      ? `no pair is at ${similarity} or above`
      : `at ${similarity} and above ${formatCount(sharing)} of ${formatPlural(count, 'pair')} share a band: ${formatShare(sharing, count)} (${low} to ${high})`
  const lines = [expected, found].map((text, i) => label(0, 14 + 20 * i, text, 'start', i === 1 ? 'name' : 'axis'))
  return { width, height: 40, body: html`${lines}` }
}

/** Wilson's interval of a share, at 95%. */
export function intervalOf({ count, sharing }: Pairs): [low: number, high: number] {
  const z2 = 1.96 ** 2
  const middle = (sharing + z2 / 2) / (count + z2)
  const half = (Math.sqrt(z2) * Math.sqrt((sharing * (count - sharing)) / count + z2 / 4)) / (count + z2)
  return [Math.max(0, middle - half), Math.min(1, middle + half)]
}
