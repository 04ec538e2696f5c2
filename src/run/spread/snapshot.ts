import { randomUUID } from 'node:crypto'
import { copyFile, type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, syncFolder } from '../../disk/durable-file.ts'
import { isCount, isObjectOf, readJson, writeJson } from '../../disk/json-file.ts'
import { copyBytes } from '../../disk/transfer.ts'
import { wrapDiskError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { tablesName } from '../decide/decide-state.ts'

/** Where a run keeps the deciders' tables for a machine that has none. */
const folderOf = (dir: string) => join(dir, 'snapshot')
const aboutOf = (dir: string) => join(folderOf(dir), 'decide.json')

/** How far a run's snapshot goes: slots before `slot`, in the file's first `bytes`. */
interface SnapshotState {
  readonly slot: number
  readonly bytes: number
}

/** What the snapshot holds, or null when there is none, or none that can be understood: then it is made anew. */
export async function readSnapshot(dir: string): Promise<SnapshotState | null> {
  const isState = isObjectOf({ slot: isCount, bytes: isCount })
  return readJson<SnapshotState>(aboutOf(dir), isState, 'is no snapshot').catch(() => null)
}

/** The slot before which all are in the tables of any machine: one that is so far behind the snapshot goes on from its own. */
export async function slotOfSnapshot(dir: string): Promise<number> {
  return ((await readSnapshot(dir))?.slot ?? 0) - limits.snapshotSlots
}

/** Copies the snapshot to a folder of state. What is torn or more than whole seals is cut off when that is opened. */
export async function restoreSnapshot(dir: string, folder: string): Promise<void> {
  const draft = join(folder, `${tablesName}.${randomUUID()}.tmp`)
  await copyFile(join(folderOf(dir), tablesName), draft)
  await rename(draft, join(folder, tablesName))
}

/**
 * Keeps a copy of the deciders' tables where all machines of the run see it. The tables' file only grows, so the copy is given what was
 * added. Each owner begins a file of its own and puts it in the place of the one before: a former owner that still writes has a file that
 * nobody reads. A copy that is old costs time alone: who starts from it decides the rest again.
 */
export class Snapshot implements AsyncDisposable {
  readonly #dir: string
  readonly #from: string
  readonly #checkOwner: () => void
  #target: FileHandle | null = null
  #copied = 0
  #slot: number
  #work: Promise<void> = Promise.resolve()
  #failure: unknown = null

  /** `from`: the file of tables. `checkOwner` throws once another process decides. Nothing is written before the first seal. */
  constructor(dir: string, from: string, checkOwner: () => void = () => {}) {
    this.#dir = dir
    this.#from = from
    this.#checkOwner = checkOwner
    this.#slot = Number.NEGATIVE_INFINITY
  }

  /** Told that all slots before `slot` are in the file; now and then begins to copy it. Throws what the last copy failed with. */
  sealed(slot: number): void {
    if (this.#failure) throw this.#failure
    if (slot - this.#slot < limits.snapshotSlots) return
    this.#slot = slot
    this.#work = this.#work
      .then(() => this.#copy(slot))
      .catch(error => {
        this.#failure ??= wrapDiskError(error, `copying the tables to ${folderOf(this.#dir)}`)
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#work
    await this.#target?.close()
  }

  async #copy(slot: number): Promise<void> {
    const source = await open(this.#from, 'r')
    try {
      // Seals may have been added since `slot`; a last one that is not whole yet is cut off by who reads it.
      const { size } = await source.stat()
      const draft = (await this.#isInPlace()) ? null : await this.#begin()
      await this.#append(source, size)
      await this.#target!.sync()
      this.#checkOwner()
      if (draft) {
        await rename(draft, join(folderOf(this.#dir), tablesName))
        await syncFolder(folderOf(this.#dir))
      }
      const about: SnapshotState = { slot, bytes: size }
      await writeJson(aboutOf(this.#dir), about, this.#checkOwner)
    } finally {
      await source.close()
    }
  }

  /** Whether the file in the run's folder is this owner's: one before it that stood still may have put its own there since. */
  async #isInPlace(): Promise<boolean> {
    if (!this.#target) return false
    const mine = await this.#target.stat({ bigint: true })
    const there = await stat(join(folderOf(this.#dir), tablesName), { bigint: true }).catch(() => null)
    return there?.ino === mine.ino && there.dev === mine.dev
  }

  async #begin(): Promise<string> {
    const folder = folderOf(this.#dir)
    this.#checkOwner()
    await makeFolder(folder)
    // Drafts are of owners that died over them.
    const drafts = (await readdir(folder)).filter(name => name.startsWith(tablesName) && name.endsWith('.tmp'))
    for (const name of drafts) await rm(join(folder, name), { force: true })
    const draft = join(folder, `${tablesName}.${randomUUID()}.tmp`)
    await this.#target?.close()
    this.#target = null
    this.#target = await open(draft, 'wx')
    this.#copied = 0
    return draft
  }

  async #append(source: FileHandle, to: number): Promise<void> {
    this.#copied += await copyBytes(source, this.#copied, to, this.#target!, this.#copied)
  }
}
