import assert from 'node:assert/strict'
import { HeadraceError } from '../../src/errors.ts'
import { drawFrom } from '../random.ts'
import { allocatedSince, bytesOnceMax, bytesTotalMax, markAllocations } from './allocations.ts'
import { mutate, type Original, type Random } from './mutate.ts'

/** One reader of bytes with real files for it. */
export interface Subject {
  readonly files: readonly Original[]
  /**
   * Reads `bytes` in the place of file `index` and throws what the reader throws. Where a checksum protects values it asserts that they are
   * the original's. Returns what came of it in a word.
   */
  check(bytes: Buffer, index: number, random: Random): Promise<string>
}

export interface Target {
  readonly name: string
  /** Cases that `npm test` runs. */
  readonly cases: number
  /** Makes the files in an empty folder. */
  open(dir: string): Promise<Subject>
}

/** A target whose damaged files have their checksums written anew by `reseal`: they may then hold anything. */
export function withChecksums(
  { open }: Pick<Target, 'open'>,
  name: string,
  cases: number,
  reseal: (bytes: Buffer) => Buffer,
): Target {
  return {
    name,
    cases,
    async open(dir) {
      const subject = await open(dir)
      return {
        ...subject,
        check: (bytes, index, random) =>
          subject.check(reseal(bytes), index, random).catch(error => {
            if (error instanceof assert.AssertionError) return 'other content'
            throw error
          }),
      }
    },
  }
}

/** One case: which file is damaged, and how it reads then. */
export interface Case {
  readonly index: number
  readonly bytes: Buffer
}

/** Case `number` of a seed: always the same bytes. */
export function makeCase(subject: Subject, seed: number, number: number): Case {
  const random = drawFrom(Math.imul(seed, 1_000_003) + number)
  const index = random(subject.files.length)
  return { index, bytes: mutate(subject.files[index], subject.files, random) }
}

/** Throws unless reading ends as a reader may end: with an answer or a typed error, and with little memory. */
export async function runCase(subject: Subject, { index, bytes }: Case): Promise<string> {
  markAllocations()
  const outcome = await readCase(subject, index, bytes)
  const { once, total } = allocatedSince()
  if (once > bytesOnceMax || total > bytesTotalMax)
    throw new Error(`${bytes.length} bytes made it allocate ${once} bytes at once, ${total} in all`)
  return outcome
}

async function readCase(subject: Subject, index: number, bytes: Buffer): Promise<string> {
  try {
    return await subject.check(bytes, index, drawFrom(bytes.length))
  } catch (error) {
    if (error instanceof HeadraceError) return error.code
    throw error
  }
}
