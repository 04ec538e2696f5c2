import { hash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { makeFolder, type OnEffect, writeDurably } from '../../disk/durable-file.ts'
import { readText } from '../../disk/files.ts'
import { HeadraceError } from '../../errors.ts'
import type { PlannedShard, Promotion } from './promotion.ts'

/**
 * What a promotion feeds: a line of JSON a shard, in the order in which they are planned. `bits` are in base64, and absent where all rows
 * are fed; one shard may have two lines, of two domains. The file is named by its SHA-256, so that it is never another's.
 */
export function encodePromoted(shards: readonly PlannedShard[]): { name: string; text: string } {
  const lines = shards.map(({ domain, shard, tokens, firstSlot, lastSlot }) => {
    const { bits, selected, ...whole } = shard
    const selection = bits && { bits: Buffer.from(bits).toString('base64') }
    return JSON.stringify({ domain, ...whole, firstSlot, lastSlot, fedTokens: tokens, ...selection })
  })
  const text = lines.map(line => `${line}\n`).join('')
  return { name: `promoted/${hash('sha256', text)}.jsonl`, text }
}

/** Writes it so that it lasts, before the control entry that names it. */
export async function writePromoted(
  dir: string,
  { name, text }: ReturnType<typeof encodePromoted>,
  onEffect?: OnEffect,
): Promise<void> {
  const path = join(dir, name)
  if ((await readText(path)) === text) return
  await makeFolder(dirname(path))
  await writeDurably(path, [Buffer.from(text)], onEffect)
}

/** Reads it back. Throws `corrupt` where it is missing or another. */
export async function readPromoted(dir: string, { selection }: Promotion): Promise<PlannedShard[]> {
  const text = await readText(join(dir, selection))
  const what = text === null ? 'is missing' : 'is damaged'
  if (text === null || selection !== `promoted/${hash('sha256', text)}.jsonl`)
    throw new HeadraceError(
      'corrupt',
      `${join(dir, selection)} ${what}: restore it from a copy, the feed goes on from it`,
    )
  return text.split('\n').slice(0, -1).map(parseShard)
}

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
