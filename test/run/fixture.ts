import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Append, Commit, Log, Owner } from '../../src/log/log.ts'
import type { StageName } from '../../src/record/layout.ts'
import { measuredAppends } from '../../src/record/slots.ts'
import type { RunContext } from '../../src/run/context.ts'
import { ownStage } from '../../src/run/own-stage.ts'
import type { Chunk, Source } from '../../src/sources/source.ts'
import { type Orders, ordersVariable } from '../kill/orders.ts'
import { unnamed } from '../kill/points.ts'
import { randomFrom } from '../random.ts'
import type { Limits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'

/** What tests of whole runs share: a corpus, a pipeline file, and the real command line as a child process. */
const bin = join(import.meta.dirname, '..', '..', 'bin', 'headrace.js')
const preload = new URL('../kill/preload.ts', import.meta.url).href

const words =
  'the river of data that we have and with which to be in water mill stone wheel channel field morning people work always house bread paper letter story small great under over between because every other light grain'.split(
    ' ',
  )

/** English-like text: sentences of common words, so that rules for English keep it. */
export function makeText(random: () => number, sentences: number): string {
  const pick = () => words[Math.floor(random() * words.length)]
  const sentence = () => {
    const text = Array.from({ length: 8 + Math.floor(random() * 10) }, pick).join(' ')
    return `${text[0].toUpperCase()}${text.slice(1)}.`
  }
  return Array.from({ length: sentences }, (_, i) => sentence() + (i % 4 === 3 ? '\n\n' : ' '))
    .join('')
    .trim()
}

export interface Corpus {
  readonly dir: string
  readonly documents: number
  /** Lines that are no documents. */
  readonly broken: number
}

/** Writes JSON Lines files of documents, among them exact copies, near copies and broken lines. */
export async function writeCorpus(options: { seed: number; files: number; documentsPerFile: number }): Promise<Corpus> {
  const random = randomFrom(options.seed)
  const dir = makeFolder('corpus')
  const texts: string[] = []
  let broken = 0
  for (let file = 0; file < options.files; file++) {
    const lines: string[] = []
    for (let i = 0; i < options.documentsPerFile; i++) {
      const chance = random()
      const old = texts[Math.floor(random() * texts.length)]
      if (chance < 0.02) {
        lines.push('{"text": "cut off')
        broken++
        continue
      }
      const text =
        chance < 0.07 && old
          ? old
          : chance < 0.12 && old
            ? `${old} One more line at the end.`
            : makeText(random, 12 + Math.floor(random() * 60))
      texts.push(text)
      lines.push(JSON.stringify({ id: `${file}-${i}`, text, domain: `d${i % 3}`, score: i }))
    }
    await writeFile(join(dir, `part-${file}.jsonl`), `${lines.join('\n')}\n`)
  }
  return { dir, documents: options.files * options.documentsPerFile, broken }
}

/** A pipeline file over a corpus that uses most kinds of operators. */
export async function writePipeline(corpusDir: string, body = defaultBody): Promise<string> {
  const file = join(corpusDir, 'pipeline.ts')
  await writeFile(
    file,
    `import * as h from 'headrace'\nexport default ${body(JSON.stringify(join(corpusDir, '*.jsonl*')))}\n`,
  )
  return file
}
const defaultBody = (glob: string) => `h.pipeline('test')
  .from(h.jsonl(${glob}))
  .annotate(h.normalize(), h.maskPii(), h.gopherQuality(), h.signature())
  .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates(), h.holdout({ rate: 0.02 }))
  .tokenize('gpt2')
  .feed({ length: 256, batch: 4 })`

export interface Finished {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** Slots of a tenth of their own size: a corpus of some hundred documents then has as many as a test of whole runs needs. */
export const smallSlots: Limits = { slotBytes: 48 * 1024 }

/** Runs the command line; `onStart` is given the child, to signal it. `small` are limits that it has instead of its own. */
export function runHeadrace(
  args: readonly string[],
  onStart?: (child: ReturnType<typeof spawn>) => void,
  small?: Limits,
): Promise<Finished> {
  return start(args, small ? { ...undisturbed, limits: small } : null, onStart)
}

/**
 * Runs the command line until a stage has made `commits` commits to the log of the run in `runDir`: then it sends itself the signal, so that
 * it is at work, however slow the machine is.
 */
export function runUntilCommit(
  args: readonly string[],
  { runDir, signal, stage = 'annotate', commits = 1, small = smallSlots }: Stop,
): Promise<Finished> {
  const kill = { point: `${stage}.sync.after`, nth: commits }
  return start(args, { ...undisturbed, limits: small, kill, signal, root: runDir })
}

/** Runs the command line until the nth lasting effect on what is below a folder, before which it kills itself. */
export function runUntilEffect(args: readonly string[], folder: string, nth: number): Promise<Finished> {
  return start(args, { ...undisturbed, kill: { point: unnamed.effect, nth }, root: folder })
}

interface Stop {
  readonly runDir: string
  readonly signal: 'SIGKILL' | 'SIGINT'
  readonly stage?: 'annotate' | 'decide' | 'shard'
  readonly commits?: number
  readonly small?: Limits
}

const undisturbed: Orders = { limits: {}, kill: null, fill: null, report: null, plant: null, root: '' }

function start(
  args: readonly string[],
  orders: Orders | null,
  onStart?: (child: ReturnType<typeof spawn>) => void,
): Promise<Finished> {
  const preloaded = orders ? ['--import', preload] : []
  const env = orders ? { ...process.env, [ordersVariable]: JSON.stringify(orders) } : process.env
  const child = spawn(process.execPath, [...preloaded, bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
  let [out, err] = ['', '']
  child.stdout.on('data', data => (out += data))
  child.stderr.on('data', data => (err += data))
  onStart?.(child)
  return new Promise(resolve => child.on('close', (status, signal) => resolve({ status, signal, out, err })))
}

/** Follows while `work` goes on, then drains by SIGTERM. */
export async function follow(args: readonly string[], work: () => Promise<void>, small?: Limits): Promise<Finished> {
  let child: ChildProcess | undefined
  const onStart = (started: ChildProcess) => {
    child = started
  }
  const finished = runHeadrace([...args, '--follow'], onStart, small)
  const ended = finished.then(({ err }) => assert.fail(`it ended by itself: ${err}`))
  try {
    await Promise.race([work(), ended])
  } finally {
    child?.kill('SIGTERM')
    ended.catch(() => {})
  }
  return finished
}

/** SHA-256 of every file below a folder, by path. */
export async function hashFiles(dir: string): Promise<Record<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const hashes: Record<string, string> = {}
  for (const entry of entries.filter(found => found.isFile())) {
    const path = join(entry.parentPath, entry.name)
    hashes[relative(dir, path)] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  }
  return Object.fromEntries(Object.entries(hashes).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** What must be equal between two runs of the same input: every byte of shards and feed. */
export async function hashOutput(runDir: string): Promise<Record<string, string>> {
  const [shards, feed] = await Promise.all(['shards', 'feed'].map(part => hashFiles(join(runDir, part))))
  return { ...shards, ...feed }
}

/**
 * A source of splits of `counts` numbered records, `recordBytes` each, a record a chunk. `onRecord` is told before each; it ends without a
 * word when the signal aborts, as files do.
 */
export function countingSource(
  counts: readonly number[],
  recordBytes: number,
  { onRecord = () => {}, follow = false }: { onRecord?: () => void; follow?: boolean } = {},
): Source {
  return {
    name: 'counting',
    options: { follow },
    async *splits() {
      for (const name of counts.keys()) yield { name: String(name), stamp: '' }
    },
    async *read({ name }, from, signal) {
      for (let i = from.offset; i < counts[Number(name)]; i++) {
        onRecord()
        if (signal.aborted) return
        yield {
          ...{ split: name, line: i + 1, bytes: new Uint8Array(recordBytes), dead: [] },
          next: { offset: i + 1, line: i + 2 },
        }
      }
    },
    parse: () => ({ batch: { rows: 0, columns: {} }, dead: [] }),
  }
}

/** A view of a log whose commit number `fatal` fails, before or after it lasts. */
export function crashing(log: Log, fatal: number, isAfter: boolean): Log {
  let commits = 0
  return {
    read: (from, signal) => log.read(from, signal),
    bounds: (topic, partition) => log.bounds(topic, partition),
    position: (stage, partition) => log.position(stage, partition),
    own: async stage => {
      const owner = await log.own(stage)
      const commit = async (commit: Commit) => {
        const isFatal = commits++ === fatal
        if (!isFatal || isAfter) await owner.commit(commit)
        if (isFatal) throw new Error('crash')
      }
      return { commit, [Symbol.asyncDispose]: async () => {} }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Does the work of a stage as its owner. */
export async function asOwner(
  context: RunContext,
  stage: StageName,
  work: (owner: Owner) => Promise<void>,
): Promise<void> {
  await using owner = await ownStage(context, stage)
  await work(owner)
}

/** Has the pool measure a slot. Returns its entries, as a run of one process commits them. */
export async function encodeMeasured(
  { pool, shape, plan }: Pick<RunContext, 'pool' | 'shape' | 'plan'>,
  slot: number,
  chunks: readonly Chunk[],
): Promise<Append[]> {
  return measuredAppends(shape, slot, await pool.annotate(slot, chunks), plan.annotateFingerprint)
}
