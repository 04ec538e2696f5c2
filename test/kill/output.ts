import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** Every file of shards and feed of an undisturbed run, by its path below the run's folder. */
export type Output = ReadonlyMap<string, Buffer>

export async function readOutput(runDir: string): Promise<Output> {
  const files = new Map<string, Buffer>()
  for (const part of ['shards', 'feed']) {
    const entries = await readdir(join(runDir, part), { recursive: true, withFileTypes: true }).catch(error => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    for (const entry of entries.filter(found => found.isFile())) {
      const path = join(entry.parentPath, entry.name)
      files.set(relative(runDir, path), await readFile(path))
    }
  }
  return files
}

export interface Difference {
  /** Bytes that differ, are missing or are too many. */
  readonly bytes: number
  readonly files: readonly string[]
}

/** Compares the output of a run that has ended with the undisturbed one's: every file, every byte, and no file more. */
export function compareWhole(expected: Output, found: Output): Difference {
  return sum(
    [...new Set([...expected.keys(), ...found.keys()])].map(path => [path, expected.get(path), found.get(path)]),
  )
}

/**
 * Compares what a killed run shows to others at this moment: shards and blocks that have their names, and the steps that the head
 * counts. What is written aside or stands behind the last published step is nobody's yet.
 */
export function comparePublished(expected: Output, found: Output): Difference {
  const pairs: Pair[] = []
  for (const [path, bytes] of found) if (path.endsWith('.arrow')) pairs.push([path, expected.get(path) ?? empty, bytes])
  const head = found.get('feed/head.json')
  if (!head) return sum(pairs)
  const { steps, digest, segmentSteps } = JSON.parse(head.toString()) as Record<string, number>
  for (const [path, bytes] of expected) {
    const first = Number(/^feed\/steps\/(\d+)\.jsonl$/.exec(path)?.[1] ?? steps)
    if (first >= steps) continue
    const isWhole = steps - first >= segmentSteps
    const published = isWhole ? bytes : bytes.subarray(0, endOfLine(bytes, steps - first))
    pairs.push([path, published, (found.get(path) ?? empty).subarray(0, published.length)])
    if (!isWhole || steps - first === segmentSteps)
      pairs.push(['feed/head.json', lastDigest(published), digestOf(digest)])
  }
  return sum(pairs)
}

type Pair = readonly [path: string, expected: Buffer | undefined, found: Buffer | undefined]
const empty = Buffer.alloc(0)

function sum(pairs: readonly Pair[]): Difference {
  const counted = pairs.map(([path, a, b]) => ({ path, bytes: differingBytes(a, b) })).filter(({ bytes }) => bytes > 0)
  return { bytes: counted.reduce((total, { bytes }) => total + bytes, 0), files: counted.map(({ path }) => path) }
}

/** A file that is there for one of the two only differs by at least one byte, however short it is. */
function differingBytes(a: Buffer | undefined, b: Buffer | undefined): number {
  if (!a || !b) return Math.max(1, (a ?? b)!.length)
  if (a.equals(b)) return 0
  const common = Math.min(a.length, b.length)
  let count = Math.max(a.length, b.length) - common
  for (let i = 0; i < common; i++) if (a[i] !== b[i]) count++
  return count
}

function endOfLine(bytes: Buffer, lines: number): number {
  let at = 0
  for (let i = 0; i < lines; i++) at = bytes.indexOf(10, at) + 1
  return at
}

function lastDigest(lines: Buffer): Buffer {
  return digestOf(JSON.parse(lines.toString().trimEnd().split('\n').at(-1)!).digest)
}

function digestOf(digest: unknown): Buffer {
  return Buffer.from(String(digest))
}
