import { decodeBatch, encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { type DamageCase, editHead, head, seal, stages, state } from './cases.ts'
import * as damage from './damage.ts'

/** What is whole in itself, and not this run's or not of this time. */
export const foreignCases: DamageCase[] = [
  ...stages.map(
    (stage): DamageCase => [
      `${stage}: of another run of the same pipeline`,
      dir =>
        damage.rewrite(dir, stage, commits =>
          commits.map(({ positions, appends }) => ({
            positions: positions.map(one => ({ ...one, note: one.note.replace(/"run":"../, '"run":"xx') })),
            appends,
          })),
        ),
      'run',
      new RegExp(`^log/${stage}|^run.json$`),
    ],
  ),
  ...(['lanes', 'slotBytes'] as const).map(
    (name): DamageCase => [
      `run.json: ${name} edited`,
      dir => damage.editText(dir, /^run.json$/, text => text.replace(new RegExp(`"${name}": `), '$&1')),
      'run',
      /^log|^run.json$/,
    ],
  ),
  [
    'a slot is measured otherwise than it was decided',
    dir =>
      damage.rewriteTopic(dir, 'annotate.scored', (append, i) => [
        i === 1 ? { ...append, value: encodeBatch(decodeBatch(append.value).batch, { a: 'b' }) } : append,
      ]),
    'run',
    /^log\/decide/,
    /^byte/,
  ],
  [
    'run.json: another id',
    dir => damage.editText(dir, /^run.json$/, text => text.replace(/"id": "../, '"id": "xx')),
    'run',
    /^log|^run.json$/,
  ],
  [
    'state: of another run',
    dir =>
      damage.editFile(dir, state, bytes => {
        const length = bytes.readUInt32LE(0)
        const about = bytes.subarray(8, 8 + length).toString()
        return Buffer.concat([seal(Buffer.from(about.replace(/"run":"../, '"run":"xx'))), bytes.subarray(8 + length)])
      }),
    'state',
    state,
    /^byte 0$/,
  ],
  ['head: gone, of a feed that ended', dir => damage.remove(dir, head), 'ledger', head],
  ['head: of an earlier time', dir => editHead(dir, value => (value.ended = false)), 'ledger', head],
]
