import { type FileHandle, open } from 'node:fs/promises'
import type { FrameHeader } from './frame.ts'
import { type Chain, chainFiles, listJournal } from './journal-files.ts'
import { type Frame, FrameReader, readHistory, scanFile } from './segment.ts'

/** What stands in a stage's journal, for who checks it. Byte positions are from the file's start; `end` is excluded. */
export type Finding =
  | {
      readonly kind: 'frame'
      readonly path: string
      readonly at: number
      readonly end: number
      /** With `base` for a file's first frame, which is no commit. */
      readonly header: FrameHeader
      /** Whether its values match their checksums. */
      readonly isWhole: boolean
      /** Whether it is no part of the history: a fenced owner's, or carried over to a later file. */
      readonly isFenced: boolean
    }
  /** A commit that was never done, behind the last one. */
  | { readonly kind: 'torn'; readonly path: string; readonly at: number; readonly end: number }
  /** Bytes that no history needs; the whole frames among them come before as fenced frames. */
  | { readonly kind: 'ignored'; readonly path: string; readonly at: number; readonly end: number }
  /** What was committed is lost from here to the file's end. */
  | {
      readonly kind: 'damaged'
      readonly path: string
      readonly at: number
      readonly end: number
      readonly reason: string
    }

/**
 * All that stands in one stage's folder (`DIR/RUN/log/<stage>`): files in order, then those that count for nothing. Reads every byte;
 * holds one frame at a time and the headers of one file. Damage is a finding, not an error.
 */
export async function* scanJournal(dir: string): AsyncIterable<Finding> {
  const { files } = await listJournal(dir)
  const newest = files.at(-1)
  if (!newest) return
  const epochs = await withFile(newest.path, readHistory)
  if (!epochs)
    yield { kind: 'damaged', path: newest.path, at: 0, end: 0, reason: 'it does not begin with a base frame' }
  const chain = chainFiles(files, epochs ?? [])
  for (const file of chain.files) yield* scanChained(file)
  for (const file of chain.ignored) yield* scanIgnored(file.path)
}

async function* scanChained(file: Chain['files'][number]): AsyncIterable<Finding> {
  const { path, commit, end } = file
  await using handle = await open(path, 'r')
  const { frames, size, fileSize, rest } = await scanFile(handle, commit, end)
  const reader = new FrameReader(handle, fileSize)
  for (const frame of frames) yield await describe(reader, path, frame, false)
  if (rest === 'ignored') yield* readIgnored(reader, path, size)
  else if (rest === 'torn') yield { kind: 'torn', path, at: size, end: fileSize }
  else if (rest === 'damaged') {
    const next = commit + Math.max(0, frames.length - 1)
    const reason = size < fileSize ? `commit ${next} can't be read` : `the file ends before commit ${next}`
    yield { kind: 'damaged', path, at: size, end: fileSize, reason }
  }
}

async function* scanIgnored(path: string): AsyncIterable<Finding> {
  await using handle = await open(path, 'r')
  yield* readIgnored(new FrameReader(handle, (await handle.stat()).size), path, 0)
}

async function* readIgnored(reader: FrameReader, path: string, from: number): AsyncIterable<Finding> {
  let at = from
  for (let frame = await reader.frame(at); frame; frame = await reader.frame(at)) {
    yield await describe(reader, path, frame, true)
    at = frame.end
  }
  yield { kind: 'ignored', path, at: from, end: reader.size }
}

async function describe(reader: FrameReader, path: string, frame: Frame, isFenced: boolean): Promise<Finding> {
  const { at, end, header } = frame
  return { kind: 'frame', path, at, end, header, isWhole: await reader.isWhole(frame), isFenced }
}

async function withFile<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  await using handle = await open(path, 'r')
  return await work(handle)
}
