import type { Random } from '../random.ts'

/** A file of the input. `comesAt`: when it appears, as a share of an undisturbed run's time; 0 for one that is there from the start. */
export interface CorpusFile {
  readonly name: string
  readonly lines: readonly Uint8Array[]
  readonly comesAt: number
  /** It begins and ends with a line that is longer than what a stamp looks at. */
  readonly isLong?: boolean
}

/** In a text: what the simulated annotator does at it. */
export const marks = { throws: 'MARK-THROWS', hangs: 'MARK-HANGS', crashes: 'MARK-CRASHES' } as const

const words =
  'the river of data that we have and with which to be in water mill stone wheel channel field morning people work always house bread paper letter story small great under over between because every other light grain Mühle Straße вода река дом 水 車 石 naïve café'.split(
    ' ',
  )
const domains = ['web', 'code', 'news', 'a/b c', 'ü']

/** What the input of a simulation is like. */
export interface CorpusShape {
  readonly documents: number
  readonly files: number
  readonly isGrowing: boolean
  /** Share of documents that hang or kill the worker that measures them. */
  readonly poison: number
}

/** Files of JSON Lines, most of them documents: with copies, near copies, broken lines, lines too long, and files without any. */
export function drawCorpus(random: Random, shape: CorpusShape, documentBytesMax: number): CorpusFile[] {
  const texts: string[] = []
  const files = Array.from({ length: shape.files }, (_, i) => ({
    name: `/sim/in/${random.pick(['a', 'b', 'c'])}-${i}.jsonl`,
    lines: [] as Uint8Array[],
    comesAt: shape.isGrowing && i > 0 && random.chance(0.6) ? random.unit() * 1.5 : 0,
  }))
  const filled = files.filter((_, i) => i === 0 || random.chance(0.9))
  for (let i = 0; i < shape.documents; i++)
    random.pick(filled).lines.push(drawLine(random, shape, texts, i, documentBytesMax))
  return files
}

function drawLine(random: Random, shape: CorpusShape, texts: string[], number: number, bytesMax: number): Uint8Array {
  const odd = random.unit()
  if (odd < 0.05)
    return Buffer.from(random.pick(['', '  ', '[]', '{"text": "cut', '{"id": 1}', '{"text": 7}', '{"text": ""}']))
  if (odd < 0.06) return Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])
  if (odd < 0.07) return Buffer.from(JSON.stringify({ text: 'x'.repeat(bytesMax + random.between(-40, 40)) }))
  const text = drawText(random, shape, texts)
  texts.push(text)
  const fields = { id: random.chance(0.9) ? `d${number}` : number, text, domain: random.pick(domains), score: number }
  return Buffer.from(JSON.stringify(random.chance(0.95) ? fields : { text }))
}

function drawText(random: Random, { poison }: CorpusShape, texts: readonly string[]): string {
  const chance = random.unit()
  if (texts.length && chance < 0.1) return random.pick(texts)
  if (texts.length && chance < 0.2) return `${random.pick(texts)} ${random.pick(words)}`
  const text = drawWords(random, Math.round(random.spread(4, 120)))
  if (chance > 0.99) return `${text} ${marks.throws}`
  if (random.chance(poison)) return `${text} ${random.chance(0.5) ? marks.hangs : marks.crashes}`
  return text
}

export function drawWords(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.pick(words)).join(' ')
}

/** The file between two lines that are too long to be documents: its stamp tells nothing of what it has inside. */
export function lengthen(file: CorpusFile): CorpusFile {
  const line = Buffer.alloc(stampedBytes + 500, 'x')
  return { ...file, lines: [line, ...file.lines, line], isLong: true }
}

/** At each end of a file. */
const stampedBytes = 64 * 1024

/** A file's bytes. The last line of some has no newline. */
export function bytesOf({ lines, name }: CorpusFile): Uint8Array {
  const bytes = Buffer.concat(lines.flatMap(line => [line, Buffer.from('\n')]))
  return name.includes('b-') ? bytes.subarray(0, -1) : bytes
}

/** The corpus with its first `count` lines alone, counted through the files. */
export function shorten(files: readonly CorpusFile[], count: number): CorpusFile[] {
  let left = count
  return files.map(file => {
    const lines = file.lines.slice(0, left)
    left -= lines.length
    return { ...file, lines }
  })
}
