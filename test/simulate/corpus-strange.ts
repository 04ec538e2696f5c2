import { createHash } from 'node:crypto'
import type { Random } from '../random.ts'
import { type CorpusFile, drawWords } from './corpus.ts'

/** What strangers' documents may have, beside what is usual. */
export interface Strangeness {
  /** Domains with names that folders can't have, that fold to one, or that every object has. */
  readonly hasDomains: boolean
  /** Texts without a word in common whose hashes meet in 32 bits. */
  readonly hasMeetings: boolean
}

const longName = 'x'.repeat(300)

/** Of each row some or all are one name to somebody: to a file system without case, to one that composes letters, to a rule that hashes. */
const strangeDomains: readonly (readonly string[])[] = [
  ['web', 'Web', 'WEB'],
  ['\u00fc', 'u\u0308', '\u00dc'],
  [longName, createHash('sha256').update(longName).digest('hex'), longName.toUpperCase()],
  ['a/b c', 'a%2Fb%20c', 'A/B C'],
  ['__proto__', 'constructor', 'toString', 'hasOwnProperty'],
  ['..', '.', '%2E', 'con', 'aux.txt'],
  ['other', 'holdout', 'Other'],
]

/** Pairs of five words that make one shingle, and pairs of seven words whose SHA-256 begin with the same four bytes. */
const meetings: readonly (readonly [string, string])[] = [
  ['carpenter wonderful carpenter yesterday important', 'question junction daughter yearbook generous'],
  ['telephone quantity passenger yesterday quantity', 'daughter absolute wardrobe calendar keyboard'],
  ['narrative passenger dangerous handsome important', 'identity bachelor laughter resident question'],
  ['yesterday zoologist umbrellas sanctuary handsome', 'question question resident identity familiar'],
  [
    'ordinary boundary favourite favourite railways handsome sanctuary',
    'landscape railways jealousy passenger boundary narrative sanctuary',
  ],
  [
    'passenger boundary gardener landscape quantity favourite favourite',
    'important elephant narrative quantity landscape telephone carpenter',
  ],
]

/** The files with further documents, anywhere in them. */
export function addStrange(
  random: Random,
  files: readonly CorpusFile[],
  { hasDomains, hasMeetings }: Strangeness,
): CorpusFile[] {
  const named = hasDomains ? random.pick(strangeDomains).concat(random.pick(strangeDomains)) : []
  const count = named.length > 0 ? random.between(5, 25) : 0
  const documents: { readonly text: string; readonly domain: string }[] = [
    ...Array.from({ length: count }, () => ({
      text: drawWords(random, random.between(12, 40)),
      domain: random.pick(named),
    })),
    ...(hasMeetings ? meetings.flat() : []).map(text => ({ text, domain: 'web' })),
  ]
  const lines = files.map(file => [...file.lines])
  for (const [i, document] of documents.entries()) {
    const line = Buffer.from(JSON.stringify({ id: `strange ${i}`, ...document }))
    const chosen = random.pick(lines)
    chosen.splice(random.between(0, chosen.length), 0, line)
  }
  return files.map((file, i) => ({ ...file, lines: lines[i] }))
}
