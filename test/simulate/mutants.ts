import { inputMutants } from './mutants-of-input.ts'
import { nameMutants } from './mutants-of-names.ts'
import { packingMutants } from './mutants-of-packing.ts'
import { afterwardsMutants } from './mutants-of-replay.ts'
import { watchingMutants } from './mutants-of-watching.ts'
import { type Mutant, mutant } from './plant-mutant.ts'

/** What a hurried change could break. Each is found by the simulation: `npm run simulate -- --mutants`. */
export const mutants: readonly Mutant[] = [
  mutant(
    'state is sealed before the commit',
    'run/decide/decide-stage.ts',
    '      await owner.commit(commitOf(group, slot, notes))\n',
    '      await state.seal(slot, group.mark)\n      await owner.commit(commitOf(group, slot, notes))\n',
  ),
  mutant(
    'an owner goes on with the counts that the last one had written whole',
    'record/long-notes.ts',
    '    if (Number(entry.headers.slot) > parts.to) break\n',
    '    if (Number(entry.headers.slot) > parts.from) break\n',
  ),
  mutant(
    'a count that changes twice is written once',
    'record/long-notes.ts',
    '    const taken = this.#names\n    this.#names = new Map()\n',
    '    const taken = new Map(this.#names)\n    if (taken.size > 0) this.#names.clear()\n    if (taken.size > 1) taken.delete(taken.keys().next().value!)\n',
  ),
  mutant(
    'a lagging state is not caught up',
    'run/decide/decide-stage.ts',
    '  await catchUpTo({ ...context, log: bareOf(log) }, state, from[0].slot)\n',
    '  if (state.slot() > from[0].slot) await catchUpTo(context, state, from[0].slot)\n',
  ),
  mutant('a commit is not synced', 'log/journal/stage-journal.ts', '      await this.#tail!.datasync()\n', ''),
  mutant(
    'a short write of a commit is taken for whole',
    'log/journal/stage-journal.ts',
    '  if (bytesWritten === lengthOf(buffers)) return\n',
    '  if (bytesWritten > 0) return\n',
  ),
  mutant(
    'a torn commit is taken for whole',
    'log/journal/segment.ts',
    'if (end < Number.POSITIVE_INFINITY || (await reader.isWhole(frames.at(-1)!)))',
    'if (reader.isWhole)',
  ),
  mutant(
    "the last frame is not carried into the new owner's file",
    'log/journal/stage-journal.ts',
    'isLast && this.#options.writable ? await this.#choose(segment, commits) : []',
    '[] as Frame[]',
  ),
  {
    name: 'an owner does not look whether it still is one',
    changes: [
      {
        file: 'log/journal/files.ts',
        from: '    if (!statSync(path, { throwIfNoEntry: false })) throw fencedError(stage)\n',
        to: '',
      },
      { file: 'disk/lock.ts', from: '      if (!isMine(path, mine)) throw lostError(path)\n', to: '' },
    ],
  },
  mutant(
    'only the log looks whether the lock is still held',
    'run/shard/shard-stage.ts',
    '{ onEffect: context.checkOwner }',
    '{}',
  ),
  mutant(
    'a living holder of the lock is not respected',
    'disk/lock.ts',
    '  if (holder === null) return false\n',
    '  if (holder === null || holder.pid) return false\n',
  ),
  mutant(
    'a new journal file is not synced into its folder',
    'log/journal/files.ts',
    '    await syncFolder(dir)\n    return handle\n',
    '    return handle\n',
  ),
  mutant(
    'the position is committed before the rows',
    'run/load/load-stage.ts',
    '    await owner.commit({ positions, appends: [...recording, ...appends] })\n',
    '    await owner.commit({ positions, appends: [] })\n    await owner.commit({ positions, appends: [...recording, ...appends] })\n',
  ),
  {
    name: 'a group of slots is committed with the position of its first',
    changes: [
      { file: 'run/load/load-stage.ts', from: 'last.slot + 1, last.note)', to: 'last.slot + 1, slots[0].note)' },
    ],
  },
  {
    name: 'the end is committed when a run is drained',
    changes: [
      {
        file: 'run/load/load-stage.ts',
        from: '      if (stop.aborted) return\n      await this.#commitPosition()',
        to: '      await this.#commitPosition()',
      },
      {
        file: 'run/load/load-stage.ts',
        from: 'if (!stop.aborted) await this.#commitEnd()',
        to: 'await this.#commitEnd()',
      },
    ],
  },
  mutant(
    'texts are removed while the shard of their rows is open',
    'run/text-removal.ts',
    'firstOpenSlot(domains, shard.slot)',
    'shard.slot',
  ),
  mutant(
    'texts of kept documents are stored nowhere',
    'run/decide/decide-stage.ts',
    "storedText === 'kept' &&",
    "storedText === 'all' &&",
  ),
  mutant(
    'a commit is not bound to its run',
    'run/own-stage.ts',
    'note: bindNote(position.note, binding)',
    'note: bindNote(position.note, null)',
  ),
  mutant('tables are not bound to their run', 'run/decide/decide-state.ts', 'run: binding })', 'run: null })'),
  mutant(
    'the end is not passed on after a restart',
    'run/shard/shard-stage.ts',
    '  if (ended) return endFeed(from)\n',
    '  if (ended) return\n',
  ),
  mutant(
    'a row that failed has no fate',
    'run/measure/annotate-slot.ts',
    'dead: [...dead, ...failed].sort(',
    'dead: [...dead].sort(',
  ),
  mutant(
    'jobs of a worker that died are forgotten',
    'run/measure/pool.ts',
    '    for (const waiting of running.splice(0).reverse()) this.#queues[queueOf(waiting.job)].unshift(waiting)\n',
    '    running.splice(0)\n',
  ),
  mutant(
    "a shard's number is used again after a restart",
    'run/shard/open-shards.ts',
    '[name, { ...note, openFrom: -1,',
    '[name, { ...note, next: Math.max(0, note.next - 1), openFrom: -1,',
  ),
  mutant(
    'rows of a sealed shard are added again',
    'run/shard/open-shards.ts',
    '      if (slot < domain.sealedTo) continue\n',
    '',
  ),
  {
    name: 'a file is renamed before it is synced',
    changes: [
      { file: 'disk/durable-file.ts', from: '      await file.sync()\n    } finally', to: '    } finally' },
      {
        file: 'disk/durable-file.ts',
        from: `    await rename(\`\${path}.tmp\`, path)\n`,
        to: `    await rename(\`\${path}.tmp\`, path)\n    const renamed = await open(path, 'r+')\n    await renamed.sync()\n    await renamed.close()\n`,
      },
    ],
  },
  mutant(
    'a renamed file is not synced into its folder',
    'disk/durable-file.ts',
    '    await syncFolder(dirname(path))\n',
    '',
  ),
  mutant('a folder that was there is taken to last', 'disk/durable-file.ts', '    await syncNamesAbove(folder)\n', ''),
  mutant(
    'the head is published before the ledger is synced',
    'feed/publish.ts',
    '        await this.#ledger.sync()\n        await this.#writeHead({ steps, digest, ...this.#counted() })\n',
    '        await this.#writeHead({ steps, digest, ...this.#counted() })\n        await this.#ledger.sync()\n',
  ),
  mutant(
    'a snapshot of the ledger leaves out the blocks that lines before it named',
    'feed/plan/step-lines.ts',
    '    this.#named = new Map()\n  }',
    '  }',
  ),
  mutant('the ledger is not synced', 'feed/files/ledger.ts', '      await this.#file.datasync()\n', ''),
  mutant(
    'a reader goes on one step too late',
    'feed/read.ts',
    '      this.#handed = { feed: head.feed, step, digest }\n      yield batch\n',
    '      yield batch\n      this.#handed = { feed: head.feed, step, digest }\n',
  ),
  ...inputMutants,
  ...nameMutants,
  ...packingMutants,
  ...watchingMutants,
  ...afterwardsMutants,
]
