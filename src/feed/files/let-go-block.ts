import { dirname, join } from 'node:path'
import { encodeFile } from '../../batch/arrow/ipc.ts'
import { type Column, fieldOf, numbers } from '../../batch/batch.ts'
import { makeFolder, type OnEffect, writeDurably } from '../../disk/durable-file.ts'
import { listFiles } from '../../disk/files.ts'
import { HeadraceError } from '../../errors.ts'
import { ColumnFile } from '../../shards/column-file.ts'
import { folderBefore } from '../../shards/folder.ts'
import { type BlockIdentity, type BlockRef, blockPath } from '../plan/blocks.ts'
import type { Cut } from '../plan/packed.ts'
import { BlockFile } from './block-file.ts'

/**
 * What stays of a block that was let go: what it was, its file's SHA-256, the tokens of its samples, 4 bytes each, and what was cut. That is all
 * that planning its feed again asks of it, so that a start reads no shard for what nobody trains on.
 */
export interface LetGoBlock {
  readonly path: string
  readonly identity: BlockIdentity
  readonly sha256: string | null
  readonly tokens: Int32Array
  readonly cut: Cut | null
}

/** Where it lies, by the path of the block's file: both are below the feed's folder. */
export const letGoPath = (block: string): string => block.replace(/^blocks\//, 'trimmed/')

/** What is left of a block, or null where none of it was let go. Throws `corrupt`. */
export function findLetGo(dir: string, block: BlockRef): LetGoBlock | null {
  for (const path of new Set([blockPath(block), blockPath(block, folderBefore(block.domain))])) {
    const found = readLetGo(dir, letGoPath(path))
    if (found) return found
  }
  return null
}

/** The same by the path of its file. */
export function readLetGo(dir: string, path: string): LetGoBlock | null {
  let file: ColumnFile
  try {
    file = new ColumnFile(join(dir, path))
  } catch (error) {
    if (error instanceof HeadraceError && error.code === 'not-found') return null
    throw error
  }
  using _ = file
  const { metadata, batches } = file.layout
  try {
    const { block, sha256, cut } = JSON.parse(metadata.letGo)
    const tokens = Int32Array.from(batches.flatMap(batch => [...numbers(file.view(batch, ['tokens']), 'tokens')]))
    return { path: file.path, identity: block, sha256, tokens, cut }
  } catch (error) {
    if (error instanceof HeadraceError) throw error
    throw file.corrupt('it does not say which block was let go')
  }
}

/** All blocks of a feed of which this stays, with their names below `blocks/`; the block itself may be there, too. */
export async function listLetGo(dir: string): Promise<(LetGoBlock & { readonly name: string })[]> {
  const names = (await listFiles(join(dir, 'trimmed'))).filter(name => name.endsWith('.arrow'))
  return names.map(name => ({ name, ...readLetGo(dir, `trimmed/${name}`)! }))
}

/** Writes down what stays of a block. It lasts when this returns. */
export async function writeLetGo(dir: string, path: string, onEffect?: OnEffect): Promise<void> {
  using block = new BlockFile(dir, path)
  const says = { block: block.identity, sha256: block.hash(), cut: block.cut() }
  const tokens: Column = { kind: 'i32', values: block.tokens() }
  const batch = { rows: block.samples, columns: { tokens } }
  const file = join(dir, letGoPath(path))
  await makeFolder(dirname(file))
  const parts = encodeFile([batch], [fieldOf('tokens', tokens)], { letGo: JSON.stringify(says) })
  await writeDurably(file, parts, onEffect)
}
