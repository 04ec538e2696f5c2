import { emptyFigures, type Figures } from '../record/figures.ts'
import { readDecideNote, readLoadNote, readShardNote } from '../record/notes.ts'
import type { Committed, RunEvent } from './events.ts'

/** A run's figures while it goes, made of what it tells, for whoever looks on. Nothing that a run does depends on them. */
export class Progress {
  #figures = emptyFigures()
  /** The last note of deciding that was committed, which is read when somebody asks; null where the figures have it. */
  #decideNote: string | null = null
  /** Bytes in slots that this process has loaded, and in those before them. */
  #loadedBytes = 0
  #isSpread = false

  see(event: RunEvent): void {
    if (event.kind === 'stage-began') this.#begin(event)
    else if (event.kind === 'committed') this.#commit(event)
    else if (event.kind === 'loaded') this.#loadedBytes += event.bytes
    else if (event.kind === 'sharded') this.#set({ sharded: event.slot, shard: event.totals })
    else if (event.kind === 'steps') this.#set({ steps: event.steps })
    else if (event.kind === 'input') this.#set({ inputBytes: event.bytes })
    else if (event.kind === 'later-splits') this.#set({ laterSplits: event.splits })
    else if (event.kind === 'passed-over') this.#set({ passedOver: this.#figures.passedOver + 1 })
    else if (event.kind === 'left-out') this.#set({ leftOut: event.leftOut })
    else if (event.kind === 'shares') this.#isSpread = true
    else if (event.kind === 'positions') this.#lookAtAll(event.figures)
  }

  figures(): Figures {
    const { readBytes, decide } = this.#figures
    return {
      ...this.#figures,
      readBytes: Math.max(readBytes, this.#loadedBytes),
      decide: this.#decideNote === null ? decide : readDecideNote({ note: this.#decideNote }).totals,
    }
  }

  #set(some: Partial<Figures>): void {
    this.#figures = { ...this.#figures, ...some }
  }

  /** Reads the note at once, so that a damaged one is an error of the stage that finds it. */
  #begin(found: RunEvent & { kind: 'stage-began' }): void {
    const { stage, slot } = found
    if (stage === 'decide') this.#set({ decided: slot, decide: readDecideNote(found).totals })
    else if (stage === 'shard') this.#set({ sharded: slot, shard: readShardNote(found).totals })
    else {
      const { readBytes, tombstones, leftOut = [] } = readLoadNote(found)
      this.#loadedBytes = readBytes
      const annotated = stage === 'annotate' && { annotated: slot }
      this.#set({ readBytes, readBytesBefore: readBytes, tombstones, leftOut, ...annotated })
    }
  }

  /** In a spread run a process annotates some partitions, which says nothing of how far the run is. */
  #commit({ stage, slot, note }: Committed): void {
    if (stage === 'annotate' && !this.#isSpread)
      this.#set({ annotated: slot, tombstones: readLoadNote({ note }).tombstones })
    else if (stage === 'decide') {
      this.#set({ decided: slot })
      this.#decideNote = note
    }
  }

  #lookAtAll(all: Figures): void {
    const { inputBytes, readBytesBefore, laterSplits, passedOver } = this.#figures
    this.#figures = { ...all, inputBytes, readBytesBefore, laterSplits, passedOver }
    this.#decideNote = null
  }
}
