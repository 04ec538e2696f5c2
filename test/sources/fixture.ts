import { type ExpectedRecord, listSplits, parseRecords } from '../../conformance/source.ts'
import type { Chunk, ReadPosition, Source } from '../../src/sources/source.ts'
import { randomFrom } from '../random.ts'

/** `count` texts of very different lengths, in several scripts. */
export function makeTexts(count: number, seed = 1): string[] {
  const random = randomFrom(seed)
  const words = ['water', 'mill', 'Räder', '水車', 'канал', '🌊', 'the', 'of', '"quoted"', 'line\nbreak']
  return Array.from({ length: count }, (_, i) => {
    const length = i % 50 === 7 ? 5000 : 1 + Math.floor(random() * 120)
    return Array.from({ length }, () => words[Math.floor(random() * words.length)]).join(' ')
  })
}

/** All records of a source, and the chunks that they came in. */
export async function readSource(source: Source): Promise<{ records: ExpectedRecord[]; chunks: Chunk[] }> {
  const records: ExpectedRecord[] = []
  const chunks: Chunk[] = []
  const start: ReadPosition = { offset: 0, line: 1 }
  for (const split of await listSplits(source))
    for await (const chunk of source.read(split, start, new AbortController().signal)) {
      chunks.push(chunk)
      records.push(...(await parseRecords(source, chunk)))
    }
  return { records, chunks }
}
