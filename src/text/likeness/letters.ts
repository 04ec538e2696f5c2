import { fillRanges, pointsOf } from '../code-points.ts'
import { invisiblePoints } from '../invisible.ts'
import { classPageOf, classPages, MARK } from '../unicode-classes.ts'

/**
 * What each character is to a shingle: nothing, a separator, a word by itself, a part of a letter cluster, or a letter and what it is
 * taken as. All tables are of stable properties or of one Unicode version, so shingles do not change with the JavaScript engine.
 */

export type Punctuation = 'keep' | 'ignore'

/** Separates words. */
export const SEPARATOR = 0
/** A word by itself. */
export const SINGLE = 1
/** Is passed over, as it shows nothing. */
export const INVISIBLE = 2
/** Begins a cluster, which is a word. */
export const BASE = 3
/** Goes on with the cluster before it, or begins one. */
export const EXTENDER = 4
/** The half-width form of a word by itself: see `widenSingle`. */
export const HALF_WIDTH = 5
/** Makes another kana of the one before it: see `voiceKana`. */
export const VOICING = 6
/** What is above is a letter. */
export const letterMin = 0x21

/** White space and controls, and the marks between words or syllables of Tibetan, Ethiopic and runes; hexadecimal, as all here. */
const spaceRanges = '0-20 7f-a0 f0b-f0c 1361 1680 16eb 2000-200a 2028-2029 202f 205f 3000 d800-dfff fff9-ffff'
/** Punctuation and symbols. What is missing here is a letter, which costs nothing but a longer word. */
const punctuationRanges =
  '21-2f 3a-40 5b-60 7b-7e a1-a9 ab-b4 b6-b9 bb-bf d7 f7 37e 387 55a-55f 589-58a 5be 5c0 5c3 5c6 5f3-5f4 600-60f 61b-61f ' +
  '66a-66d 6d4 700-70d 964-965 970 df4 e2f e4f e5a-e5b f04-f14 f3a-f3d f85 fd0-fd4 fd9-fda 104a-104f 10fb 1360-1368 16eb-16ed ' +
  '17d4-17da 1800-180a 19de-19df 1a1e-1a1f 1aa0-1aad 1b5a-1b60 1b7d-1b7f 1bfc-1bff 2010-2027 2030-205e 20a0-20cf 2190-2bff ' +
  '2e00-2e7f 3001-3004 3008-3020 3030 303d-303f 30fb a95f a9c1-a9cd a9de-a9df aa5c-aa5f aade-aadf e000-f8ff fe10-fe6f ' +
  'ff01-ff0f ff1a-ff20 ff3b-ff40 ff5b-ff65 ffe0-ffef'
/** Han, kana, bopomofo, Hangul, Yi and the punctuation among them. */
const singleRanges =
  '2e80-2fdf 3003-303f 3041-30ff 3105-312f 31a0-31bf 31f0-31ff 3400-4dbf 4e00-9fff a000-a48c ac00-d7a3 f900-faff'
/** Scripts that put no spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, Tai, Buginese, Balinese, Batak, Javanese, Cham. */
const clusterRanges =
  'e01-e5b e81-edf f00-f0a f0d-fff 1000-109f 1780-17ff 1950-1aad 1b00-1b7f 1bc0-1bff a930-a95f a980-aadf'
/** Letters of a cluster that Unicode calls no marks: Thai and Lao am. */
const extenderRanges = 'e33 eb3'
const voicingRanges = '3099-309a ff9e-ff9f'
/** Full-width, half-width, small and vertical forms, and the Hangul letters that the half-width ones are of. */
const formRanges = 'fe10-fe19 fe30-fe48 fe4d-fe6b ff01-ff9d ffa1-ffee 3131-318e'
/** All case pairs of these blocks were fixed by Unicode 7, so every supported Node lowers them alike. */
const casedRanges = '41-5a c0-24f 370-52f 531-556 1e00-1fff'
const typographic = { "'": '2018-201b', '"': '201c-201f', '-': '2010-2015 2212', ',': '3001', '.': '3002' }

/** Beyond the BMP, by code point less 0x10000: what is no letter there. */
const astralSingleRanges = '2000-254f 3000-43fa 6fe0-8cff aff0-b2ff'
/** Brahmi, Ahom, Makasar, Kawi. */
const astralClusterRanges = '1000-107f 1700-174f 1ee0-1eff 1f00-1f5f'
const letterBeyond = 0xff

/** The characters that are forms of others. */
const forms = new Map([...pointsOf(formRanges)].map(point => [point, plainForm(point)]))
const plainLetters = buildPlainLetters()

/** For each code point of the BMP: one of the classes above, or what the letter is taken as. */
export const lettersOf: Readonly<Record<Punctuation, Uint16Array>> = {
  keep: buildLetters('keep'),
  ignore: buildLetters('ignore'),
}

const beyond = buildBeyond()

/** As `lettersOf`, of a code point beyond the BMP: planes 2 and 3 are Chinese characters, and pictures are letters. */
export function letterBeyondBmp(point: number): number {
  if (point >= 0x20000) return point < 0x40000 ? SINGLE : (point - 0xe0000) >>> 12 === 0 ? INVISIBLE : SEPARATOR
  const found = beyond[point - 0x10000]
  return found === letterBeyond ? point : found
}

/** What both tables have, but for the forms of characters that they have themselves. */
function buildPlainLetters(): Uint16Array {
  const table = new Uint16Array(0x10000)
  for (let point = 0; point < table.length; point++) table[point] = point
  for (const point of pointsOf(casedRanges)) table[point] = lowerCase(point)
  fillRanges(table, spaceRanges, SEPARATOR)
  fillRanges(table, singleRanges, SINGLE)
  for (const point of pointsOf(clusterRanges)) table[point] = classifyClustered(point)
  fillRanges(table, extenderRanges, EXTENDER)
  fillRanges(table, voicingRanges, VOICING)
  for (const [ascii, ranges] of Object.entries(typographic)) fillRanges(table, ranges, ascii.charCodeAt(0))
  return table
}

function buildLetters(punctuation: Punctuation): Uint16Array {
  const table = plainLetters.slice()
  if (punctuation === 'ignore') fillRanges(table, punctuationRanges, SEPARATOR)
  for (const [point, form] of forms) {
    const plain = table[form]
    table[point] = plain === SINGLE && form !== point ? HALF_WIDTH : plain
  }
  for (const point of invisiblePoints) if (point < table.length) table[point] = INVISIBLE
  return table
}

function buildBeyond(): Uint8Array {
  const table = new Uint8Array(0x10000).fill(letterBeyond)
  fillRanges(table, astralSingleRanges, SINGLE)
  for (const point of pointsOf(astralClusterRanges)) table[point] = classifyClustered(point + 0x10000)
  for (const point of invisiblePoints) if (point >= 0x10000 && point < 0x20000) table[point - 0x10000] = INVISIBLE
  return table
}

function classifyClustered(point: number): number {
  return classPages[(classPageOf[point >> 8] << 8) | (point & 255)] & MARK ? EXTENDER : BASE
}

function lowerCase(point: number): number {
  const lower = String.fromCharCode(point).toLowerCase()
  return lower.length === 1 ? lower.charCodeAt(0) : point
}

/** A form's character by NFKC, which never changes for one that is assigned; the macron has a space there. */
function plainForm(point: number): number {
  if (point === 0xffe3) return 0xaf
  const plain = String.fromCharCode(point).normalize('NFKC')
  return plain.length === 1 ? plain.charCodeAt(0) : point
}

/** What a character of the class `HALF_WIDTH` is the form of. */
export function widenSingle(point: number): number {
  return forms.get(point) ?? point
}

const voiced = new Map(
  [...pointsOf('3041-30fe')].flatMap(kana =>
    [0x3099, 0x309a].flatMap(mark => {
      const composed = String.fromCharCode(kana, mark).normalize('NFC')
      return composed.length === 1 ? [[kana * 2 + (mark & 1), composed.charCodeAt(0)] as const] : []
    }),
  ),
)

/** The kana that `kana` and a voicing mark make, or 0 where they make none. */
export function voiceKana(kana: number, mark: number): number {
  return voiced.get(kana * 2 + (plainMark(mark) & 1)) ?? 0
}

/** The mark of which a half-width one is the form. */
export function plainMark(mark: number): number {
  return mark < 0xff00 ? mark : mark - 0xff9e + 0x3099
}
