import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { decodeBatch, encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { bindingOf } from '../../src/record/binding.ts'
import { readRunFile } from '../../src/record/run-file.ts'
import { writeTrimmed } from '../../src/record/trimmed.ts'
import { editFile, rewrite, rewriteTopic } from '../verify/damage.ts'
import { type Case, goesOn, runFile, swap, type World } from './changes.ts'

/** What an older version left: no id, nothing that is bound with it, and no word of Node. */
async function makeOld(dir: string): Promise<void> {
  await runFile(text => {
    const { id: _id, text: _text, ...old } = JSON.parse(text)
    return JSON.stringify(old)
  })(dir)
  for (const stage of ['annotate', 'decide', 'shard'])
    await rewrite(dir, stage, commits =>
      commits.map(({ positions, appends }) => ({
        positions: positions.map(one => ({ ...one, note: one.note.replace(/^\{"run":".*?",/, '{') })),
        appends,
      })),
    )
  await editFile(join(dir), /decide\.tables$/, bytes => {
    const length = bytes.readUInt32LE(0)
    const about = bytes.toString('utf8', 8, 8 + length).replace(/,"run":"[0-9a-f]+"/, '')
    const head = Buffer.alloc(8)
    head.writeUInt32LE(about.length, 0)
    head.writeUInt32LE(crc32(about), 4)
    return Buffer.concat([head, Buffer.from(about), bytes.subarray(8 + length)])
  })
}

/** Parts of a run that are whole in themselves, and not of this run or not of this time. */
export function foreignChangesOf({ home }: World): Record<string, Case> {
  return {
    'tables that are gone, of a run that was trimmed': {
      base: 'stopped',
      prepare: async dir => {
        await rm(join(dir, 'state'), { recursive: true })
        await writeTrimmed(dir, bindingOf((await readRunFile(dir))!), 2, () => {})
      },
      word: /would be refused: the state in .* holds slots before 0, and the log those from 2 on: .* restore the folder/,
      exit: 65,
    },
    'tables of another run of the same pipeline': {
      base: 'stopped',
      prepare: dir => cp(join(home, 'ended', 'test', 'state'), join(dir, 'state'), { recursive: true }),
      word: /would be refused: the state file .*decide\.tables was filled by another run: /,
      exit: 65,
    },
    'a log of another run of the same pipeline': {
      base: 'stopped',
      prepare: async dir => {
        await rm(join(dir, 'log', 'decide'), { recursive: true })
        await cp(join(home, 'ended', 'test', 'log', 'decide'), join(dir, 'log', 'decide'), { recursive: true })
      },
      word: /would be refused: the log of stage 'decide' of the run in .* is not of the run that run\.json names/,
      exit: 65,
    },
    'an older log of the stage before': {
      base: 'stopped',
      prepare: dir => rm(join(dir, 'log', 'annotate'), { recursive: true }),
      word: /would be refused: stage 'decide' .* has taken slots before 3, and stage 'annotate', .* only those before 0/,
      exit: 65,
    },
    'a log of a copy that went on apart': {
      base: 'stopped',
      prepare: dir =>
        rewriteTopic(dir, 'annotate.scored', (append, i) => [
          { ...append, value: i === 2 ? encodeBatch(decodeBatch(append.value).batch, { a: 'b' }) : append.value },
        ]),
      word: /would be refused: slot 2 of the run in .* was decided from other rows than the log of stage 'annotate' holds/,
      exit: 65,
    },
    'tables of a copy that went on apart': {
      base: 'stopped',
      prepare: dir =>
        rewriteTopic(dir, 'decide.kept', append => [
          { ...append, value: encodeBatch(decodeBatch(append.value).batch, { a: 'b' }) },
        ]),
      word: /would be refused: the state in .* was filled with another slot 2 than the log holds: .* delete the state/,
      exit: 65,
    },
    'lanes, edited': {
      base: 'stopped',
      prepare: runFile(text => text.replace(/"lanes": \d+/, '"lanes": 3')),
      word: /would be refused: the log of stage 'annotate' .* lanes or slotBytes in run\.json were edited/,
      exit: 65,
    },
    'partitions, edited': {
      base: 'ended',
      prepare: runFile(swap('"partitions": 1', '"partitions": 2')),
      word: /would be refused: the log of stage 'annotate' .* the partitions, lanes or slotBytes in run\.json were edited/,
      exit: 65,
    },
    'slotBytes, edited': {
      base: 'stopped',
      prepare: runFile(text => text.replace(/"slotBytes": \d+/, '"slotBytes": 9')),
      word: /would be refused: .*slotBytes was 9 and is \d+/,
      exit: 64,
      upgrade: /With --upgrade it would be refused, too: .*slotBytes was 9/,
      upgradeExit: 64,
    },
    'trimmed.json, edited': {
      base: 'stopped',
      prepare: dir => writeFile(join(dir, 'trimmed.json'), '{"first":2,"check":"0123456789abcdef"}'),
      word: /trimmed\.json says that slots before 2 were trimmed, and its check does not match/,
      exit: 65,
    },
    'trimmed.json, damaged': {
      base: 'stopped',
      prepare: dir => writeFile(join(dir, 'trimmed.json'), '{"first":'),
      word: /trimmed\.json can't be understood: restore it from a copy/,
      exit: 65,
    },
    'trimmed.json, beyond what is decided': {
      base: 'measured',
      prepare: async dir => writeTrimmed(dir, bindingOf((await readRunFile(dir))!), 2, () => {}),
      word: /would be refused: trimmed\.json in .* says that slots before 2 were trimmed, and only those before 0 are/,
      exit: 65,
    },
    'a Node with other tables of text': {
      base: 'stopped',
      prepare: runFile(text => text.replace(/"unicode": ".*"/, '"unicode": "9.0"')),
      word: /would be refused: the run in .* was begun by Node .* with Unicode 9\.0 .* and this is Node .* with Unicode \d+/,
      exit: 64,
    },
    'nothing, of a run of an older version, which has no id': {
      base: 'stopped',
      prepare: makeOld,
      word: goesOn,
      exit: 0,
    },
    'a feed whose head is gone': {
      base: 'ended',
      prepare: dir => rm(join(dir, 'feed', 'head.json')),
      word: /^headrace run would publish the \d+ steps of its feed again\.$/,
      exit: 0,
    },
  }
}
