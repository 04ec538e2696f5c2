import { spawn } from 'node:child_process'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Finished, writeCorpus } from '../run/fixture.ts'
import { type Orders, ordersVariable } from './orders.ts'
import { unnamed } from './points.ts'

const bin = join(import.meta.dirname, '..', '..', 'bin', 'headrace.js')
const preload = new URL('./preload.ts', import.meta.url).href

/** A life that takes longer hangs. A whole undisturbed run takes about a second. */
const lifeSecondsMax = 120

/** What all lives of one harness have in common. */
export interface Subject {
  readonly pipeline: string
  /** Globs that replace the pipeline's input; empty for its own. */
  readonly input: readonly string[]
  readonly limits: Readonly<Record<string, number>>
  readonly plant: Orders['plant']
  /** The folder of the run that the lives replay. Without one they are runs over the input. */
  readonly base?: string | undefined
  /** Recalls from that run with these options, in place of a replay. */
  readonly recall?: readonly string[]
}

/** Where and when a life ends: the nth passing of a point, or `nth` milliseconds for `random`. */
export interface Kill {
  readonly point: string
  readonly nth: number
}

export const runName = 'kill'

/** `annotate.frame.torn:3` and back. */
export function formatKill({ point, nth }: Kill): string {
  return `${point}:${nth}`
}

export function parseKill(text: string): Kill {
  const at = text.lastIndexOf(':')
  return { point: text.slice(0, at), nth: Number(text.slice(at + 1)) }
}

/**
 * Writes a small corpus, or measures what `input` names, and shrinks the limits so that the run cuts slots, shards, blocks and files of the
 * journal and of the ledger all the way, as a long run does.
 */
export async function makeSubject(options: {
  seed: number
  documentsPerFile?: number
  input?: readonly string[]
  plant?: Orders['plant']
}): Promise<Subject> {
  const { seed, documentsPerFile = 80, input = [], plant = null } = options
  const { dir } = await writeCorpus({ seed, files: 6, documentsPerFile })
  const bytes = (await Promise.all(input.map(async path => (await stat(path)).size))).reduce((a, b) => a + b, 0)
  const scale = Math.max(1, bytes / 1_400_000)
  const scaled = (small: number, own: number) => Math.min(own, Math.round(small * scale))
  const limits = {
    slotBytes: scaled(24 * 1024, 512 * 1024),
    segmentBytesMax: scaled(96 * 1024, 256 * 1024 * 1024),
    journalCopyBytesMax: scaled(48 * 1024, 64 * 1024 * 1024),
    shardTokensMax: scaled(6000, 8 * 1024 * 1024),
    shardSlotsMax: 16,
    ledgerSegmentSteps: scaled(64, 4096),
  }
  const pipeline = join(dir, 'pipeline.ts')
  await writeFile(pipeline, pipelineText(join(dir, '*.jsonl'), scaled(12_000, 2 ** 30)))
  return { pipeline, input, limits, plant }
}

function pipelineText(glob: string, blockTokens: number): string {
  return `import * as h from 'headrace'
export default h.pipeline('${runName}')
  .from(h.jsonl(${JSON.stringify(glob)}))
  .annotate(h.normalize(), h.gopherQuality(), h.signature())
  .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates(), h.holdout({ rate: 0.05 }))
  .tokenize('gpt2')
  .feed({ length: 128, batch: 4, blockTokens: ${blockTokens} })
`
}

export interface Life extends Finished {
  /** It took too long and was ended. */
  readonly isHung: boolean
  readonly seconds: number
}

/** One life of `headrace run`, `headrace replay` or `headrace enrich`, from its start to its end or its kill. */
export async function live(
  subject: Subject,
  dir: string,
  options: { workers: number; kill: Kill | null; fill?: string; report?: string },
): Promise<Life> {
  const { workers, kill, fill = null, report = null } = options
  const input = subject.input.flatMap(path => ['--input', path])
  const what = subject.base ? lifeOf(subject.base, subject) : ['run', subject.pipeline, ...input]
  const args = [...what, '--dir', dir, '--workers', String(workers), '--json']
  const isTimed = kill?.point === unnamed.random
  const orders = { kill: isTimed ? null : kill, fill, report, plant: subject.plant }
  return start(subject, dir, args, orders, isTimed ? kill.nth : lifeSecondsMax * 1000)
}

const lifeOf = (base: string, { pipeline, recall }: Subject) =>
  recall
    ? ['enrich', base, '--pipeline', pipeline, '--out', runName, ...recall]
    : ['replay', base, pipeline, '--run', runName]

const undisturbed = { kill: null, fill: null, report: null, plant: null }

/** Runs `headrace verify` on what a kill left, with the same limits. */
export function verify(subject: Subject, dir: string, run = runName): Promise<Life> {
  return start(subject, dir, ['verify', '--dir', dir, '--run', run], undisturbed, lifeSecondsMax * 1000)
}

/** Whether this tree has `headrace verify`. */
export async function hasVerify(subject: Subject): Promise<boolean> {
  return (await start(subject, '.', ['verify', '--help'], undisturbed, lifeSecondsMax * 1000)).status === 0
}

function start(
  { limits }: Subject,
  dir: string,
  args: readonly string[],
  orders: Omit<Orders, 'root' | 'limits'>,
  killMs: number,
): Promise<Life> {
  const began = performance.now()
  const environment = { [ordersVariable]: JSON.stringify({ ...orders, limits, root: join(dir, runName) }) }
  const child = spawn(process.execPath, ['--import', preload, bin, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  let [out, err, isLate] = ['', '', false]
  child.stdout.on('data', data => (out += data))
  child.stderr.on('data', data => (err += data))
  const timer = setTimeout(() => (isLate = child.kill('SIGKILL')), killMs)
  return new Promise(resolve =>
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      const seconds = (performance.now() - began) / 1000
      resolve({ status, signal, out, err, seconds, isHung: isLate && killMs === lifeSecondsMax * 1000 })
    }),
  )
}

export async function removeDir(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true })
}
