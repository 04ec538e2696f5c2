import { readFile } from 'node:fs/promises'
import { PiiFinder } from '../../../src/text/pii/find.ts'
import { piiKinds, SpanBuffer } from '../../../src/text/pii/spans.ts'

const kindOf: ReadonlyMap<number, string> = new Map(Object.entries(piiKinds).map(([name, kind]) => [kind, name]))
const everything = { emails: true, ipAddresses: true, phones: true, cards: true, ibans: true, secrets: true }

/** A sentence and its spans, as `kind text`. */
export interface Labelled {
  readonly text: string
  readonly spans: readonly string[]
}

export interface Quality {
  right: number
  wrong: number
  missed: number
  /** Sentences with what was taken wrongly, or missed. */
  readonly faults: string[]
}

/** `test/golden/pii.txt`: a sentence a line, in which `⟦kind:text⟧` marks a span. */
export async function readLabelled(): Promise<Labelled[]> {
  const file = await readFile(new URL('../../golden/pii.txt', import.meta.url), 'utf8')
  const lines = file.split('\n').filter(line => line && !line.startsWith('#'))
  return lines.map(line => ({
    text: line.replaceAll(/⟦\w+:([^⟧]*)⟧/g, '$1'),
    spans: [...line.matchAll(/⟦(\w+):([^⟧]*)⟧/g)].map(([, kind, text]) => `${kind} ${text}`),
  }))
}

/** What is found in the sentences beside what is marked, by kind. A span is right when it is the marked one whole. */
export function measureQuality(sentences: readonly Labelled[]): Map<string, Quality> {
  const finder = new PiiFinder(everything)
  const quality = new Map(
    Object.keys(piiKinds).map(kind => [kind, { right: 0, wrong: 0, missed: 0, faults: [] } as Quality]),
  )
  for (const { text, spans } of sentences) {
    const left = [...spans]
    for (const found of findIn(finder, text)) {
      const at = left.indexOf(found)
      const of = quality.get(found.split(' ', 1)[0])!
      if (at >= 0) {
        of.right++
        left.splice(at, 1)
      } else {
        of.wrong++
        of.faults.push(`wrong: ${found}   in: ${text}`)
      }
    }
    for (const missed of left) {
      const of = quality.get(missed.split(' ', 1)[0])!
      of.missed++
      of.faults.push(`missed: ${missed}   in: ${text}`)
    }
  }
  return quality
}

function findIn(finder: PiiFinder, text: string): string[] {
  const bytes = Buffer.from(text)
  const spans = new SpanBuffer()
  finder.find(bytes, 0, bytes.length, spans)
  return Array.from({ length: spans.length / 3 }, (_, i) => {
    const [start, end, kind] = spans.values.subarray(3 * i, 3 * i + 3)
    return `${kindOf.get(kind)} ${bytes.toString('utf8', start, end)}`
  })
}
