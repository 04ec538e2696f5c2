import type { ErrorCode } from '../../src/errors.ts'
import type { LoadNote } from '../../src/record/notes.ts'
import type { Random } from '../random.ts'
import type { Case } from './case.ts'
import { bytesOf, type CorpusFile } from './corpus.ts'
import type { InputFile } from './oracle-slots.ts'
import type { World } from './world.ts'

/** What somebody does to the input, or to the pipeline, while a run is not over, and mends when a start is refused for it. */
export const upsetKinds = [
  /** A file is not there. */
  'gone',
  /** No file is there: the input's disk is not mounted. */
  'unmounted',
  /** A file has another's content under its name. */
  'replaced',
  /** A long file is written to where its stamp does not look. */
  'edited',
  /** A file that a follower has listed is written to. */
  'rewritten',
  /** A folder of the input, or a file, can't be listed or read. */
  'unreadable',
  /** A file that the pipeline is made of has another content, and a worker dies. */
  'pipeline',
] as const
export type UpsetKind = (typeof upsetKinds)[number]

/** What was done, and how it is judged. */
interface Upset {
  readonly kind: UpsetKind
  /** How a start, or what runs, may say so. */
  readonly refusals: readonly ErrorCode[]
  /** Whether a start that finds this position must be refused. */
  mustRefuse(note: LoadNote | null): boolean
  mend(): void
  /** What a follower must tell to have changed, soon. */
  readonly split?: string
}

/** Refusals of a file that was edited, with either content, after which it is taken for what it is: both are another than what was read. */
const editsMax = 2

/** Does one upset at a time, and knows what a run may have come to by it. */
export class Upsets {
  current: Upset | null = null
  /** A part of a file's first content was read, and a part of its second: neither is what the run has begun to read. */
  isLost = false
  readonly #world: World
  readonly #case: Case
  readonly #random: Random
  /** How anything that was upset may have ended by it. */
  readonly refusals = new Set<ErrorCode | null>()
  /** Inputs that the run may have read: the case's, and those with a file that was edited. */
  readonly inputs: InputFile[][]

  constructor(world: World, simulated: Case, random: Random) {
    this.#world = world
    this.#case = simulated
    this.#random = random
    this.inputs = [simulated.files.map(file => ({ name: file.name, bytes: bytesOf(file) }))]
  }

  /** Does it, where the run has come to where it matters; `loaded` is the loader's last commit that was told. */
  begin(kind: UpsetKind, loaded: LoadNote | null): boolean {
    if (this.current || loaded?.ended) return false
    // Before that, a start may take whatever is there.
    if (loaded === null && kind !== 'unreadable') return false
    this.current = this.#do(kind)
    for (const code of this.current?.refusals ?? []) this.refusals.add(code)
    return this.current !== null
  }

  /** Whether this is what a run that is upset may end by. It is mended then. */
  accepts(code: ErrorCode | null): boolean {
    if (code === null || !this.current?.refusals.includes(code)) return false
    this.#world.count('refused')
    const { mend } = this.current
    this.current = null
    mend()
    return true
  }

  /** Whether a file is another than in this input. */
  isOther(input: readonly InputFile[]): boolean {
    return input.some(({ name, bytes }) => !(this.#world.disk.find(name)?.content.equals(bytes) ?? true))
  }

  /** Makes the disk have this input, all of which can be read. */
  restore(input: readonly InputFile[]): void {
    const { disk } = this.#world
    this.#world.unreadable = null
    for (const { name, bytes } of input) if (!disk.find(name)?.content.equals(bytes)) disk.place(name, bytes)
  }

  #do(kind: UpsetKind): Upset | null {
    const files = this.#case.files.filter(one => one.comesAt === 0 && one.lines.length > 0).sort(byName)
    if (files.length === 0) return null
    // The last is the one that is read last.
    const file = this.#random.chance(0.5) ? files.at(-1)! : this.#random.pick(files)
    switch (kind) {
      case 'gone':
        return this.#hide(kind, [file])
      case 'unmounted':
        return this.#hide(kind, this.#case.files)
      case 'replaced':
        return this.#replace(file)
      case 'edited':
        return this.#edit()
      case 'rewritten':
        return this.#rewrite(files[0])
      case 'unreadable':
        return this.#close(file)
      case 'pipeline':
        return this.#changePipeline()
    }
  }

  #hide(kind: UpsetKind, files: readonly CorpusFile[]): Upset {
    const { disk } = this.#world
    const hidden = files.filter(file => disk.find(file.name))
    for (const { name } of hidden) disk.remove(name)
    const mend = () => {
      for (const file of hidden) disk.place(file.name, bytesOf(file))
    }
    return { kind, refusals: ['source-changed'], mustRefuse: hasMore, mend }
  }

  #replace(file: CorpusFile): Upset {
    const { disk } = this.#world
    const put = (bytes: Uint8Array) => {
      disk.remove(file.name)
      disk.place(file.name, bytes)
    }
    put(Buffer.concat([...file.lines, Buffer.from(strangeLine)].reverse().flatMap(line => [line, Buffer.from('\n')])))
    return { kind: 'replaced', refusals: ['source-changed'], mustRefuse: hasMore, mend: () => put(bytesOf(file)) }
  }

  /** Two places of a long file are other, far from its ends. Whoever has read both, or none, is none the wiser, and right. */
  #edit(): Upset | null {
    const file = this.#case.files.find(({ isLong }) => isLong)
    if (!file) return null
    const bytes = bytesOf(file)
    const edited = editInside(bytes)
    if (!edited) return null
    this.inputs.push(this.inputs[0].map(one => (one.name === file.name ? { ...one, bytes: edited } : one)))
    let refused = 0
    const put = (isEdited: boolean): Upset => {
      this.#world.disk.place(file.name, isEdited ? edited : bytes)
      const mend = () => {
        if (++refused > editsMax) this.isLost = true
        else this.current = put(!isEdited)
      }
      return { kind: 'edited', refusals: ['source-changed'], mustRefuse: () => false, mend }
    }
    return put(true)
  }

  /** A line more, or another letter: of the first file that a follower lists, which it has listed once it has committed. */
  #rewrite(file: CorpusFile): Upset {
    const { disk } = this.#world
    const bytes = bytesOf(file)
    const other = Buffer.from(bytes)
    const letter = other.indexOf(0x22) + 1
    other[letter] ^= 1
    // A follower stamps a file that has another time, and is told by that of the file's ends alone.
    const isSeen = this.#random.chance(0.5) && letter < stampedBytes
    disk.place(file.name, isSeen ? other : Buffer.concat([bytes, Buffer.from(`\n${strangeLine}\n`)]))
    const mend = () => disk.place(file.name, bytes)
    return { kind: 'rewritten', refusals: ['source-changed'], mustRefuse: () => false, mend, split: file.name }
  }

  /** A follower tells what was done, which is mended then. Whoever was reading the file meanwhile may still say so, too. */
  hear(split: string): void {
    if (this.current?.split !== split) return
    this.#world.count('told')
    this.current.mend()
    this.current = { ...this.current, split: '' }
  }

  #close(file: CorpusFile): Upset {
    const folder = file.name.slice(0, file.name.lastIndexOf('/'))
    const code = this.#random.pick(['EIO', 'EACCES'] as const)
    this.#world.unreadable = { path: this.#random.chance(0.6) ? folder : file.name, code }
    const mend = () => {
      this.#world.unreadable = null
    }
    return { kind: 'unreadable', refusals: [code === 'EIO' ? 'disk' : 'not-found'], mustRefuse: hasMore, mend }
  }

  #changePipeline(): Upset {
    this.#world.isPipelineEdited = true
    this.#world.isWorkerToDie = true
    const mend = () => {
      this.#world.isPipelineEdited = false
    }
    return { kind: 'pipeline', refusals: ['source-changed', 'bad-pipeline'], mustRefuse: () => true, mend }
  }
}

/** Bytes of a file's start, at least, that its stamp is made of. */
const stampedBytes = 64 * 1024

const byName = (a: CorpusFile, b: CorpusFile) => (a.name < b.name ? -1 : 1)

/** Whether a loader at this position looks at the input at all. */
const hasMore = (note: LoadNote | null) => note !== null && !note.ended

const strangeLine = JSON.stringify({
  id: 'strange',
  text: 'nobody has asked for these words and nobody may ever read them',
})

/** The file with another letter at the first and at the last text that stands far from both ends; null where there are not two. */
function editInside(bytes: Uint8Array): Buffer | null {
  const edited = Buffer.from(bytes)
  const mark = '"text":"'
  const ends = 64 * 1024
  const first = edited.indexOf(mark, ends)
  const last = edited.lastIndexOf(mark, edited.length - ends)
  if (first < 0 || last <= first) return null
  for (const at of [first, last]) edited[at + mark.length] = 0x71
  return edited.equals(bytes) ? null : edited
}
