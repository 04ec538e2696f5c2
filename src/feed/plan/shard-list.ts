import { hash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { makeFolder, type OnEffect, syncFolder, writeDurably } from '../../disk/durable-file.ts'
import { readText } from '../../disk/files.ts'
import { HeadraceError } from '../../errors.ts'
import type { PlannedShard } from './promotion.ts'

/** A file of a feed that lists shards of other runs, by its path below the feed's folder. */
export interface ShardList {
  readonly name: string
  readonly text: string
}

/**
 * What a feed takes of another run: a line of JSON a shard, in the order in which they are planned. `bits` are in base64, and absent where
 * all rows are fed; one shard may have two lines, of two domains. The file is named by its SHA-256, so that it is never another's.
 * `folder`: `promoted` or `joined`.
 */
export function encodeShardList(folder: string, shards: readonly PlannedShard[]): ShardList {
  const lines = shards.map(({ domain, shard, tokens, firstSlot, lastSlot }) => {
    const { bits, selected, ...whole } = shard
    const selection = bits && { bits: Buffer.from(bits).toString('base64') }
    return JSON.stringify({ domain, ...whole, firstSlot, lastSlot, fedTokens: tokens, ...selection })
  })
  const text = lines.map(line => `${line}\n`).join('')
  return { name: nameList(folder, text), text }
}

/** Writes it so that it lasts, before the control entry that names it. */
export async function writeShardList(dir: string, { name, text }: ShardList, onEffect?: OnEffect): Promise<void> {
  const path = join(dir, name)
  await makeFolder(dirname(path))
  // Who wrote it may have been stopped before its name lasted.
  if ((await readText(path)) === text) return await syncFolder(dirname(path))
  await writeDurably(path, [Buffer.from(text)], onEffect)
}

/** Reads the list of this name back. Throws `corrupt` where it is missing or another. */
export async function readShardList(dir: string, name: string): Promise<PlannedShard[]> {
  const text = await readText(join(dir, name))
  const what = text === null ? 'is missing' : 'is damaged'
  if (text === null || name !== nameList(dirname(name), text))
    throw new HeadraceError('corrupt', `${join(dir, name)} ${what}: restore it from a copy, the feed goes on from it`)
  return text.split('\n').slice(0, -1).map(parseShard)
}

const nameList = (folder: string, text: string) => `${folder}/${hash('sha256', text)}.jsonl`

function parseShard(line: string): PlannedShard {
  const { domain, firstSlot, lastSlot, fedTokens, bits: base64, ...whole } = JSON.parse(line)
  const planned = { domain, number: null, tokens: fedTokens, firstSlot, lastSlot }
  if (base64 === undefined) return { ...planned, shard: whole }
  return { ...planned, shard: selectRows(whole, Buffer.from(base64, 'base64')) }
}

/** The shard with these rows alone. */
export function selectRows(shard: PlannedShard['shard'], bits: Uint8Array): PlannedShard['shard'] {
  return { ...shard, selected: hash('sha256', bits), bits }
}
