import { compareLines } from '../text/compare-lines.ts'
import { printable } from '../text/printable.ts'
import type { Excerpt } from './report-data.ts'

// Where in a text the things stand that a measurement counts, so that an excerpt shows them. They are found once more by plain means, for
// people to look at: what was measured stands beside the text, and nothing is decided by these.

type Span = readonly [from: number, to: number]

/** Characters of a text that are looked at, and of an excerpt. */
const lookedAtMax = 200_000
const excerptMax = 1400
const marksMax = 400

type Finder = (text: string, size: number) => Span[]

/** By the names of Headrace's own columns. A number in a name is the words of an n-gram. */
const finders: readonly (readonly [RegExp, Finder])[] = [
  [/AlphaWords$/, text => matches(text, /\S+/g).filter(([from, to]) => !/\p{L}/u.test(text.slice(from, to)))],
  [/Duplicate(\d+)$/, (text, size) => repeatedGrams(text, size)],
  [/Top(\d+)$/, (text, size) => topGram(text, size)],
  [/DuplicateParagraph/, text => repeated(text, matches(text, /[^\n]+(?:\n[^\n]+)*/g))],
  [/DuplicateLine|CharDuplicates$/, text => repeated(text, lines(text))],
  [/BulletLines$/, text => lines(text, line => '•-'.includes(line.trimStart()[0] ?? ' '))],
  [/EllipsisLines$/, text => lines(text, line => /(?:\.\.\.|…)$/.test(line.trimEnd()))],
  [/EllipsisRatio$/, text => matches(text, /\.\.\.|…/g)],
  [/HashRatio$/, text => matches(text, /#/g)],
  [/ShortLines$/, text => lines(text, line => line.length <= 30)],
  [/LinePunctuation$/, text => lines(text, line => !'.!?:;,"\'”。！？'.includes(line.at(-1)!))],
  [/ListRatio$/, text => lines(text, line => line.length <= 60)],
  [/MeanWordLength$/, text => matches(text, /\S{12,}/g)],
  [/CurlyBrackets$/, text => matches(text, /\{/g)],
  [/LoremIpsum$/, text => matches(text, /lorem ipsum/gi)],
]

/** The spans that a column's measurement is about; none where it is about the whole text, or the column is not one of ours. */
export function findEvidence(column: string, text: string): Span[] {
  for (const [pattern, find] of finders) {
    const match = pattern.exec(column)
    if (match) return find(text.slice(0, lookedAtMax), Number(match[1] ?? 0)).slice(0, 20_000)
  }
  return []
}

function matches(text: string, pattern: RegExp): Span[] {
  return Array.from(text.matchAll(pattern), ({ index, 0: found }): Span => [index, index + found.length])
}

/** Lines that are like that, but for empty ones; each is looked at by itself, so that no text takes more than linear time. */
function lines(text: string, isWanted: (line: string) => boolean = () => true): Span[] {
  return matches(text, /[^\n]+/g).filter(([from, to]) => isWanted(text.slice(from, to)))
}

/** Those that repeat an earlier one. */
function repeated(text: string, spans: readonly Span[]): Span[] {
  const seen = new Set<string>()
  return spans.filter(([from, to]) => {
    const key = text.slice(from, to).trim()
    return seen.size === seen.add(key).size
  })
}

/** Rows of `size` words each. */
function gramsOf(text: string, size: number): Span[] {
  const words = matches(text, /[\p{L}\p{N}_'’]+/gu)
  return words.slice(0, Math.max(0, words.length - size + 1)).map(([from], i): Span => [from, words[i + size - 1][1]])
}

const repeatedGrams = (text: string, size: number) => joined(repeated(text, gramsOf(text, size)))

function topGram(text: string, size: number): Span[] {
  const grams = Map.groupBy(gramsOf(text, size), ([from, to]) => text.slice(from, to).toLowerCase())
  let best: Span[] = []
  for (const spans of grams.values()) if (spans.length > best.length) best = spans
  return joined(best)
}

/** Spans in their order, those that touch made one. */
function joined(spans: readonly Span[]): Span[] {
  const all: [number, number][] = []
  for (const [from, to] of spans) {
    const last = all.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else all.push([from, to])
  }
  return all
}

/** The lines of a text that another does not have. */
export function findOwnLines(text: string, other: string): Span[] {
  const own = new Set(compareLines(text.slice(0, lookedAtMax), other.slice(0, lookedAtMax)).ours)
  return lines(text.slice(0, lookedAtMax), line => own.has(line.replace(/\s+/g, ' ').trim()))
}

/** The part of a text with the most that is marked, and a little before it; its beginning where nothing is. */
export function cutExcerpt(text: string, spans: readonly Span[]): Excerpt {
  const start = densestStart(spans)
  const from = start < 200 ? 0 : lineBefore(text, start - 120)
  const to = Math.min(text.length, from + excerptMax)
  const marks = joined(spans)
    .filter(([begin, end]) => end > from && begin < to)
    .map(([begin, end]): [number, number] => [Math.max(begin, from) - from, Math.min(end, to) - from])
  return { text: printable(text.slice(from, to)), from, length: text.length, marks: marks.slice(0, marksMax) }
}

function densestStart(spans: readonly Span[]): number {
  let [best, most, end, sum] = [0, 0, 0, 0]
  for (let i = 0; i < spans.length; i++) {
    for (; end < spans.length && spans[end][0] < spans[i][0] + excerptMax - 200; end++) sum += widthOf(spans[end])
    if (sum > most) [best, most] = [spans[i][0], sum]
    sum -= widthOf(spans[i])
  }
  return best
}

const widthOf = ([from, to]: Span) => to - from

/** Where the line of a place begins, unless that is far before it. */
function lineBefore(text: string, at: number): number {
  const line = text.lastIndexOf('\n', at) + 1
  return at - line < 150 ? line : at
}
