import { createHash } from 'node:crypto'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeHeader, decodePrefix, type FrameHeader, framePrefixBytes } from '../../src/log/journal/frame.ts'
import { JournalLog } from '../../src/log/journal/journal-log.ts'
import type { Append, Position } from '../../src/log/log.ts'
import type { ManifestEntry } from '../../src/shards/manifest.ts'
import { makeFolder } from '../temporary.ts'

/** Ways to damage what a run has recorded: by bytes, and by whole values that no checksum tells. */

export async function copyRun(dir: string): Promise<string> {
  const copy = join(makeFolder('verify'), 'run')
  await cp(dir, copy, { recursive: true })
  return copy
}

/** Files below a folder of a run by a pattern of their path, in order. */
export async function filesOf(dir: string, pattern: RegExp): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const names = entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(dir.length + 1))
  return names.filter(name => pattern.test(name)).sort()
}

export async function editFile(dir: string, pattern: RegExp, edit: (bytes: Buffer) => Buffer): Promise<void> {
  const [name] = await filesOf(dir, pattern)
  await writeFile(join(dir, name), edit(await readFile(join(dir, name))))
}

export function editText(dir: string, pattern: RegExp, edit: (text: string) => string): Promise<void> {
  return editFile(dir, pattern, bytes => Buffer.from(edit(bytes.toString())))
}

/** Flips a bit of the byte at a share of the file, or at a place that is found in it. */
export function flip(dir: string, pattern: RegExp, at: number | ((bytes: Buffer) => number)): Promise<void> {
  return editFile(dir, pattern, bytes => {
    const place = typeof at === 'number' ? Math.floor(at * bytes.length) : at(bytes)
    bytes[place] ^= 4
    return bytes
  })
}

export async function remove(dir: string, pattern: RegExp): Promise<void> {
  const [name] = await filesOf(dir, pattern)
  await rm(join(dir, name))
}

export interface FoundFrame {
  readonly at: number
  readonly bodyAt: number
  readonly end: number
  readonly header: FrameHeader
}

export function framesOf(bytes: Buffer): FoundFrame[] {
  const frames: FoundFrame[] = []
  for (let at = 0; at < bytes.length; ) {
    const prefix = decodePrefix(bytes.subarray(at))!
    const bodyAt = at + framePrefixBytes + prefix.headerLength
    const header = decodeHeader(prefix, bytes.subarray(at + framePrefixBytes, bodyAt))!
    frames.push({ at, bodyAt, end: at + prefix.frameLength, header })
    at += prefix.frameLength
  }
  return frames
}

export interface EditableCommit {
  positions: Position[]
  appends: Append[]
}

/** Writes a stage's journal anew with its commits changed: every checksum is right, and only what they say is not. */
export async function rewrite(
  dir: string,
  stage: string,
  edit: (commits: EditableCommit[]) => EditableCommit[],
): Promise<void> {
  const commits: EditableCommit[] = []
  for (const name of await filesOf(dir, new RegExp(`^log/${stage}/.*journal$`))) {
    const bytes = await readFile(join(dir, name))
    for (const { header, bodyAt } of framesOf(bytes)) {
      if (header.base) continue
      let at = bodyAt
      const appends = header.appends.map(({ topic, partition, headers, length }) => {
        at += length
        return { topic, partition, headers, value: new Uint8Array(bytes.subarray(at - length, at)) }
      })
      commits.push({ positions: header.positions.map(one => ({ ...one, offset: BigInt(one.offset) })), appends })
    }
  }
  await rm(join(dir, 'log', stage), { recursive: true })
  await using log = new JournalLog(join(dir, 'log'), { writable: true })
  await using owner = await log.own(stage)
  for (const commit of edit(commits)) await owner.commit(commit)
}

/** The same for the entries of one topic; `edit` may leave an entry as it is, change it, drop it or give several. */
export function rewriteTopic(
  dir: string,
  topic: string,
  edit: (append: Append, index: number) => Append[],
): Promise<void> {
  let index = 0
  return rewrite(dir, topic.split('.')[0], commits =>
    commits.map(({ positions, appends }) => ({
      positions,
      appends: appends.flatMap(append => (append.topic === topic ? edit(append, index++) : [append])),
    })),
  )
}

export type Mutable<T> = { -readonly [K in keyof T]: T[K] extends object ? Mutable<T[K]> : T[K] }

export interface StageNote {
  totals: { kept: number; tokens: number; dropped: Record<string, number>; repairs: Record<string, number> }
}

/** Changes the note of a stage's last commit. */
export function rewriteNote(dir: string, stage: string, edit: (note: StageNote) => void): Promise<void> {
  return rewrite(dir, stage, commits => {
    const last = commits.at(-1)!
    last.positions = last.positions.map(position => {
      const note = JSON.parse(position.note)
      edit(note)
      return { ...position, note: JSON.stringify(note) }
    })
    return commits
  })
}

export function rewriteManifest(
  dir: string,
  edit: (entry: Mutable<ManifestEntry>, index: number) => void,
): Promise<void> {
  return rewriteTopic(dir, 'shard.manifest', (append, index) => {
    const entry = JSON.parse(Buffer.from(append.value).toString())
    edit(entry, index)
    return [{ ...append, value: Buffer.from(JSON.stringify(entry)) }]
  })
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
