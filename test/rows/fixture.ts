import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { recordTakeDown } from '../../src/feed/change/take-down.ts'
import type { Row } from '../../src/feed/files/take-down-file.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import { type FeedPublisher, openFeed } from '../../src/feed/publish.ts'
import type { RowFile } from '../../src/rows/row-file.ts'
import { type Corpus, writeCorpus } from '../feed/corpus.ts'

export const length = 16
export const endOfText = 999_999
/** The step from which on the batch is another. */
export const changedAt = 9

export function writeShards(dir: string): Promise<Corpus> {
  return writeCorpus(dir, { domains: ['en', 'zh/水', 'code'], shards: 14, seed: 7 })
}

/** Forms that rows of a feed have. */
export const forms: Readonly<Record<string, Partial<FeedOptions>>> = {
  aligned: { align: 4 },
  next: { cutTargets: 'next' },
  'aligned next': { align: 8, cutTargets: 'next', packing: 'best-fit-filled', cutMax: 0.1 },
}

/** A feed of steps of 12 samples, from a step on of 8, and of another form, later of 4, the first of which are longer; over so many shards, ended with all of them. */
export async function publishFeed(
  dir: string,
  feed: string,
  corpus: Corpus,
  shards = corpus.entries.length,
  form: Partial<FeedOptions> | null = null,
) {
  const origin = {
    run: 'test',
    shards: join(dir, 'shards'),
    tokenizer: 't',
    fingerprint: 'f',
    endOfText,
    segmentSteps: 5,
  }
  await using publisher = await openFeed(feed, { length, batch: 12, blockTokens: 400, ...form }, origin)
  await changeBatch(publisher)
  if (form) {
    await publisher.control({ step: changedAt + 5, batch: 4, length: 2 * length })
    await publisher.control({ step: changedAt + 8, length })
  }
  for (const entry of corpus.entries.slice(0, shards)) await publisher.addManifest(entry)
  if (shards === corpus.entries.length) await publisher.end()
  return publisher.head
}

async function changeBatch(publisher: FeedPublisher): Promise<void> {
  if (publisher.head.steps === 0) await publisher.control({ step: changedAt, batch: 8 }).catch(() => {})
}

/** Takes documents down from a step on. */
export function takeDown(feed: string, rows: readonly Row[], step: number, blank: boolean): Promise<boolean> {
  const list = { by: 'id', names: ['a'], slots: 14, rows } as const
  return recordTakeDown(feed, list, { step, isUnread: true, blank, note: null })
}

export interface DecodedStep {
  readonly digest: string
  /** Tokens of each sample, in the order of samples. */
  readonly samples: readonly Int32Array[]
  readonly domains: readonly string[]
  readonly spans: readonly {
    sample: number
    length: number
    /** With what aligns the next one. */
    room: number
    /** The target of its last token, or -1. */
    next: number
    kind: number
    slot: number
    row: number
    document: string
  }[]
  readonly targets: number
}

/** What a file of rows says, by what is documented of it alone; throws where a checksum is wrong. */
export function decodeRows(feed: string, name: string): DecodedStep[] {
  const dir = join(feed, 'rows')
  const file: RowFile = JSON.parse(readFileSync(join(dir, name), 'utf8'))
  const [ids, spans] = [file.ids, file.spans].map(path => readFileSync(join(dir, path)))
  return file.digests.map((digest, i) => {
    const stepBytes = 4 * file.batch * file.length
    const bytes = ids.subarray(i * stepBytes, (i + 1) * stepBytes)
    const said = spans.subarray(i > 0 ? file.spansEnds[i - 1] : 0, file.spansEnds[i])
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const seal = createHash('sha256').update(`${file.feed}\n${digest}\n${sha256}\n`).update(said).digest('hex')
    if (sha256 !== file.sha256[i] || seal !== file.seals[i]) throw new Error(`step ${file.first + i}: other bytes`)
    return { digest, targets: file.targets[i], ...decodeStep(file, new Int32Array(new Uint8Array(bytes).buffer), said) }
  })
}

function decodeStep(file: RowFile, tokens: Int32Array, said: Buffer) {
  const { batch, length: rowLength, order, domains, align = 1, cutTargets } = file
  const int = (index: number) => said.readInt32LE(4 * index)
  const count = int(0)
  const samples = Array.from({ length: batch }, (_, sample) => {
    const row = order.indexOf(sample)
    return tokens.slice(row * rowLength, (row + 1) * rowLength)
  })
  for (const [sample, own] of samples.entries())
    if ((crc32(new Uint8Array(own.buffer)) | 0) !== int(1 + 2 * batch + sample)) throw new Error('a CRC-32 is wrong')
  const documents: string[] = JSON.parse(said.subarray(4 * (1 + 3 * batch + (cutTargets ? 5 : 4) * count)).toString())
  const owners = samples.flatMap((_, sample) => Array<number>(int(1 + sample)).fill(sample))
  const column = (name: number, span: number) => int(1 + 3 * batch + name * count + span)
  return {
    samples,
    domains: samples.map((_, sample) => domains[int(1 + batch + sample)]),
    spans: documents.map((document, span) => {
      const [spanLength, kind, slot, row] = [0, 1, 2, 3].map(name => column(name, span))
      const room = kind === 1 ? spanLength : Math.ceil(spanLength / align) * align
      const next = cutTargets ? column(4, span) : -1
      return { sample: owners[span], length: spanLength, room, next, kind, slot, row, document }
    }),
  }
}
