import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { decodeBatch, encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { type Batch, numbers, utf8From, withColumns } from '../../src/batch/batch.ts'
import { takeRows } from '../../src/batch/rows.ts'
import { addressOf } from '../../src/decide/decider.ts'
import type { Head } from '../../src/feed/files/head.ts'
import { sealLine } from '../../src/feed/files/steps.ts'
import type { Append } from '../../src/log/log.ts'
import type { Mutable } from './damage.ts'
import * as damage from './damage.ts'

type Batches = (batch: Batch) => Batch
const recode = (append: Append, edit: Batches): Append[] => [
  { ...append, value: encodeBatch(edit(decodeBatch(append.value).batch)) },
]
const dropRow: Batches = batch =>
  takeRows(
    batch,
    Array.from({ length: batch.rows - 1 }, (_, i) => i),
  )
const header = (append: Append, change: Record<string, string>): Append[] => [
  { ...append, headers: { ...append.headers, ...change } },
]
/** The first drop that repeats another document, changed to repeat the one at `address`. */
const repeat = (address: number) => (batch: Batch) => {
  const values = Float64Array.from(numbers(batch, 'duplicateOf'))
  const first = values.findIndex(partner => partner >= 0)
  if (first >= 0) values[first] = address
  return withColumns(batch, { duplicateOf: { kind: 'f64', values } })
}
/** A seal of no entries from a slot to one far behind it. */
const sealAfter = (from: number) => seal(Buffer.from(Float64Array.of(from, 5000).buffer))
function lastSlot(bytes: Buffer): number {
  let slot = 0
  for (let at = 8 + bytes.readUInt32LE(0); at < bytes.length; at += 8 + bytes.readUInt32LE(at))
    slot = bytes.readDoubleLE(at + 16)
  return slot
}
export const seal = (payload: Buffer) => {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(payload.length, 0)
  head.writeUInt32LE(crc32(payload), 4)
  return Buffer.concat([head, payload])
}
export const state = /decide\.tables$/
const shard = /^shards\/d0\/0+\.arrow$/
const block = /^feed\/blocks\/d1\/0+\.arrow$/
const ledger = /^feed\/steps\/0+\.jsonl$/
export const head = /^feed\/head\.json$/
export const editHead = (dir: string, edit: (head: Mutable<Head>) => void) =>
  damage.editText(dir, head, text => {
    const value = JSON.parse(text)
    edit(value)
    return `${JSON.stringify(value, null, 2)}\n`
  })
const editLines = (dir: string, edit: (lines: string[]) => void) =>
  damage.editText(dir, ledger, text => {
    const lines = text.split('\n')
    edit(lines)
    return lines.join('\n')
  })

/** Damage, and the row that tells of it, the file that it names and the place in it. */
export type DamageCase = [string, (dir: string) => Promise<unknown>, string, RegExp, RegExp?]

/** The last frame that says more than that the feed was published: without that a stage has only stopped early. */
const lastCommit = (bytes: Buffer) =>
  damage.framesOf(bytes).findLast(({ header }) => !header.positions.some(({ note }) => note.includes('"fed":{')))!

export const stages = ['annotate', 'decide', 'shard']
const journalCases = stages.flatMap((stage): DamageCase[] => {
  const pattern = new RegExp(`^log/${stage}/.*journal$`)
  const frame = (part: 'at' | 'bodyAt') => (bytes: Buffer) => damage.framesOf(bytes)[1][part]
  return [
    [
      `${stage}: a byte of a frame's header`,
      dir => damage.flip(dir, pattern, b => frame('at')(b) + 40),
      'journals',
      pattern,
      /^byte \d\d/,
    ],
    [
      `${stage}: a byte of a value`,
      dir => damage.flip(dir, pattern, b => frame('bodyAt')(b) + 9),
      'journals',
      pattern,
      /^byte \d\d/,
    ],
    [
      `${stage}: a byte of where the stage stood`,
      dir => damage.flip(dir, pattern, () => 30),
      'journals',
      pattern,
      /^byte 0$/,
    ],
    [
      `${stage}: the end cut off`,
      dir => damage.editFile(dir, pattern, b => b.subarray(0, lastCommit(b).end - 100)),
      'journals',
      pattern,
      /^byte \d\d/,
    ],
    [
      `${stage}: a frame twice`,
      dir =>
        damage.editFile(dir, pattern, b =>
          Buffer.concat([b, b.subarray(damage.framesOf(b)[1].at, damage.framesOf(b)[1].end)]),
        ),
      'journals',
      pattern,
      /^byte \d\d/,
    ],
  ]
})

const logCases = (dropped: number): DamageCase[] => [
  ['a journal is gone', dir => damage.remove(dir, /^log\/annotate\/.*journal$/), 'slots', /^log\/decide/, /^byte/],
  [
    'a scored slot is missing',
    dir => damage.rewriteTopic(dir, 'annotate.scored', (a, i) => (i === 1 ? [] : [a])),
    'slots',
    /^log\/annotate/,
  ],
  [
    'a scored slot comes twice',
    dir => damage.rewriteTopic(dir, 'annotate.scored', (a, i) => (i === 1 ? [a, a] : [a])),
    'slots',
    /^log\/annotate/,
  ],
  [
    'a kept slot is missing',
    dir => damage.rewriteTopic(dir, 'decide.kept', (a, i) => (i === 1 ? [] : [a])),
    'slots',
    /^log\/decide/,
  ],
  [
    'slots after the end',
    dir => damage.rewriteTopic(dir, 'decide.kept', (a, i) => (i === 1 ? header(a, { end: '1' }) : [a])),
    'slots',
    /^log\/decide/,
  ],
  [
    'a row too many in a header',
    dir => damage.rewriteTopic(dir, 'annotate.scored', (a, i) => (i ? [a] : header(a, { rows: '1' }))),
    'headers',
    /^log\/annotate/,
    /^byte/,
  ],
  [
    'a dead row too many in a header',
    dir => damage.rewriteTopic(dir, 'annotate.scored', (a, i) => (i ? [a] : header(a, { dead: '99' }))),
    'headers',
    /^log\/annotate/,
  ],
  [
    'another pipeline',
    dir => damage.rewriteTopic(dir, 'decide.kept', (a, i) => (i ? [a] : header(a, { fingerprint: 'f' }))),
    'headers',
    /^log\/decide/,
  ],
  [
    'a batch that is none',
    dir => damage.rewriteTopic(dir, 'decide.kept', (a, i) => (i ? [a] : [{ ...a, value: Buffer.from('x') }])),
    'headers',
    /^log\/decide/,
  ],
  [
    'a kept row is lost',
    dir => damage.rewriteTopic(dir, 'decide.kept', (a, i) => (i ? [a] : recode(a, dropRow))),
    'fates',
    /^log\/decide/,
    /^byte/,
  ],
  [
    'a dead row is lost',
    dir => damage.rewriteTopic(dir, 'annotate.dead', (a, i) => (i ? [a] : recode(a, dropRow))),
    'fates',
    /^log\/decide/,
  ],
  [
    'a drop is lost',
    dir => damage.rewriteTopic(dir, 'decide.drops', (a, i) => (i ? [a] : [])),
    'fates',
    /^log\/decide/,
  ],
  [
    'a kept row was moved to another domain',
    dir =>
      damage.rewriteTopic(dir, 'decide.kept', (a, i) =>
        i
          ? [a]
          : recode(a, batch =>
              withColumns(batch, { domain: utf8From(Array.from({ length: batch.rows }, () => 'd1')) }),
            ),
      ),
    'shards',
    /^shards/,
  ],
  [
    'a row is kept that was not measured',
    dir =>
      damage.rewriteTopic(dir, 'decide.kept', (a, i) =>
        i
          ? [a]
          : recode(a, batch =>
              withColumns(batch, { row: { kind: 'u32', values: numbers(batch, 'row').map(row => row + 7000) } }),
            ),
      ),
    'fates',
    /^log\/decide/,
  ],
  [
    'a text was changed',
    dir =>
      damage.rewriteTopic(dir, 'decide.kept', (a, i) =>
        i
          ? [a]
          : recode(a, batch =>
              // As an older version kept rows, text and all.
              withColumns(batch, {
                text: utf8From(Array.from({ length: batch.rows }, () => 'other')),
                domain: utf8From(Array.from({ length: batch.rows }, () => 'd0')),
              }),
            ),
      ),
    'fates',
    /^log\/decide/,
  ],
  [
    'a duplicate of a dropped row',
    dir => damage.rewriteTopic(dir, 'decide.drops', a => recode(a, repeat(dropped))),
    'fates',
    /^log\/decide/,
  ],
  [
    'a duplicate of a later row',
    dir => damage.rewriteTopic(dir, 'decide.drops', a => recode(a, repeat(addressOf(1000, 0)))),
    'fates',
    /^log\/decide/,
  ],
  [
    'counts of the deciding stage',
    dir => damage.rewriteNote(dir, 'decide', note => note.totals.kept++),
    'totals',
    /^log\/decide/,
    /^byte/,
  ],
  [
    'counts of repairs',
    dir => damage.rewriteNote(dir, 'decide', note => (note.totals.repairs['nul-character'] = 1)),
    'totals',
    /^log\/decide/,
  ],
  [
    'counts by reason',
    dir => damage.rewriteNote(dir, 'decide', note => (note.totals.dropped.other = 1)),
    'totals',
    /^log\/decide/,
  ],
  [
    'counts of tokens',
    dir => damage.rewriteNote(dir, 'shard', note => note.totals.tokens++),
    'totals',
    /^log\/shard/,
    /^byte/,
  ],
]

const fileCases: DamageCase[] = [
  ['state: a byte', dir => damage.flip(dir, state, 0.3), 'state', state, /^byte \d/],
  ['state: a byte of its identity', dir => damage.flip(dir, state, () => 40), 'state', state, /^byte 0$/],
  [
    'state: ahead of the log',
    dir => damage.editFile(dir, state, bytes => Buffer.concat([bytes, sealAfter(lastSlot(bytes))])),
    'state',
    state,
  ],
  [
    'state: a seal taken out',
    dir => damage.editFile(dir, state, bytes => Buffer.concat([bytes, sealAfter(lastSlot(bytes) + 1)])),
    'state',
    state,
    /^byte \d/,
  ],
  [
    'state: of other deciders',
    dir =>
      damage.editFile(dir, state, bytes => {
        const length = bytes.readUInt32LE(0)
        const about = bytes
          .subarray(8, 8 + length)
          .toString()
          .replace(/"identity":"./, '"identity":"x')
        return Buffer.concat([seal(Buffer.from(about)), bytes.subarray(8 + length)])
      }),
    'state',
    state,
    /^byte 0$/,
  ],
  [
    'manifest: a number',
    dir => damage.rewriteManifest(dir, (entry, i) => i || entry.number++),
    'manifest',
    /^log\/shard/,
    /^byte/,
  ],
  [
    'manifest: a pipeline',
    dir => damage.rewriteManifest(dir, (entry, i) => i || (entry.fingerprint = 'x')),
    'manifest',
    /^log\/shard/,
  ],
  [
    'manifest: an entry is lost',
    dir => damage.rewriteTopic(dir, 'shard.manifest', (a, i) => (i ? [a] : [])),
    'manifest',
    /^log\/shard/,
  ],
  ['shard: a byte of its body', dir => damage.flip(dir, shard, 0.4), 'shards', shard],
  ['shard: a byte of its footer', dir => damage.flip(dir, shard, bytes => bytes.length - 20), 'shards', shard],
  ['shard: cut short', dir => damage.editFile(dir, shard, bytes => bytes.subarray(0, 1000)), 'shards', shard],
  ['shard: gone', dir => damage.remove(dir, shard), 'shards', shard],
  [
    'shard: one that nobody made',
    dir => writeFile(join(dir, 'shards', 'd0', '00000077.arrow'), 'x'),
    'shards',
    /00000077/,
  ],
  ['shard: first row', dir => damage.rewriteManifest(dir, (entry, i) => i || entry.first.row++), 'shards', shard],
  ['block: a byte of its body', dir => damage.flip(dir, block, 0.5), 'blocks', block, /^byte \d/],
  [
    'block: a byte of its first schema',
    dir => damage.flip(dir, block, bytes => bytes.indexOf('"length":256') + 10),
    'blocks',
    block,
    /^byte \d/,
  ],
  ['block: its footer', dir => damage.flip(dir, block, bytes => bytes.length - 3), 'blocks', block],
  ['block: gone', dir => damage.remove(dir, block), 'blocks', block],
  [
    'block: one that nobody made',
    dir => writeFile(join(dir, 'feed', 'blocks', 'd1', '00000009.arrow'), 'x'),
    'blocks',
    /00000009/,
  ],
  ['ledger: a byte', dir => damage.flip(dir, ledger, bytes => bytes.indexOf('\n') + 30), 'ledger', ledger, /^line 2$/],
  [
    'ledger: two lines changed places',
    dir => editLines(dir, lines => lines.splice(1, 2, lines[2], lines[1])),
    'ledger',
    ledger,
    /^line 2$/,
  ],
  ['ledger: cut short', dir => editLines(dir, lines => lines.splice(-2, 1)), 'ledger', ledger, /^line \d/],
  ['ledger: gone', dir => damage.remove(dir, ledger), 'ledger', ledger],
  ['head: a byte', dir => damage.flip(dir, head, 0.5), 'ledger', head],
  ['head: a digest', dir => editHead(dir, value => (value.digest = value.feed)), 'ledger', head],
  ['head: what is left', dir => editHead(dir, value => (value.leftover.d9 = { samples: 1, tokens: 1 })), 'plan', head],
  ['rows: a bit of their tokens', dir => damage.flip(dir, /^feed\/rows\/.*\.i32$/, 0.5), 'rows', /\.i32$/, /^byte \d/],
  ['control: no JSON', dir => writeFile(join(dir, 'feed', 'control.json'), '['), 'plan', /control/],
  [
    'plan: a last step of its own making',
    async dir => {
      let digest = ''
      await editLines(dir, lines => {
        const { digest: _, ...step } = JSON.parse(lines.at(-2)!)
        const sealed = sealLine({ ...step, tokens: step.tokens - 1 }, digest => ({ ...step, digest }))
        digest = sealed.step.digest
        lines[lines.length - 2] = sealed.line
      })
      await editHead(dir, value => (value.digest = digest))
    },
    'plan',
    ledger,
    /^line \d/,
  ],
  [
    'steps: tokens that are not those of the text, under the right hash',
    async dir => {
      await damage.flip(dir, shard, 0.3)
      const sha256 = damage.sha256Of(await readFile(join(dir, 'shards', 'd0', '00000000.arrow')))
      await damage.rewriteManifest(dir, entry => entry.path === 'd0/00000000.arrow' && (entry.sha256 = sha256))
      // The tokens of a whole document, wherever the one byte fell.
      await damage.editFile(dir, shard, bytes =>
        bytes.fill(1, Math.floor(bytes.length * 0.1), Math.floor(bytes.length * 0.6)),
      )
    },
    'steps',
    /^feed$/,
    /^step \d/,
  ],
]

/** Damage to a small run that has ended. `dropped` is the address of a row that was dropped. */
export const damageCases = (dropped: number): DamageCase[] => [...journalCases, ...logCases(dropped), ...fileCases]
