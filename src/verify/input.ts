import { HeadraceError } from '../errors.ts'
import type { RunReader } from '../record/run-reader.ts'
import { readSplits } from '../record/splits.ts'
import { isAbsent } from '../sources/files/file-errors.ts'
import { openFile } from '../sources/files/files.ts'
import { lookAgain } from '../sources/files/witness.ts'
import { type Check, fileAt } from './check.ts'

/** What came of comparing the input with what the run had read: bytes of it that were read, and what could not be compared, as sentences. */
interface InputFound {
  readonly bytes: number
  readonly unchecked: readonly string[]
}

/**
 * Reads the files of the input again, as far as the run has read them to their end, and compares them with what it has recorded of them. A
 * file may have been mended and read again: then the last time counts. One that is not there is no failure, as a run that has ended needs
 * it no more.
 */
export async function verifyInput(run: RunReader, check: Check, onFile: () => void): Promise<InputFound> {
  let bytes = 0
  const gone: string[] = []
  const found = await findRead(run)
  if (!found) return { bytes, unchecked: ['What was read of the input is not known, as the log is damaged.'] }
  for (const [name, seen] of found) {
    onFile()
    try {
      await using file = await openFile(name)
      check.counted++
      bytes += Number.parseInt(seen, 10)
      if ((await lookAgain(file, seen)) !== seen)
        check.fail(fileAt(name), 'it is not what the run has read of it', advice)
    } catch (error) {
      if (!isAbsent(error)) throw error
      gone.push(name)
    }
  }
  return { bytes, unchecked: gone.length > 0 ? [describeGone(gone)] : [] }
}

const advice =
  'restore it, or run the pipeline again with another --run: the same command would give another result now'

/** What was read of each file the last time that it was read to its end, by its name; null where the log can't say. */
async function findRead({ log, run }: RunReader): Promise<Map<string, string> | null> {
  const read = new Map<string, string>()
  try {
    for (const { name, again, range, seen } of await readSplits(log, run)) {
      const file = again?.of ?? name
      if (seen !== undefined && !range) read.set(file, seen)
      // A mended file that is to be read again is another than the one that was read.
      else read.delete(file)
    }
  } catch (error) {
    if (error instanceof HeadraceError && error.code === 'corrupt') return null
    throw error
  }
  return read
}

function describeGone([first, ...others]: readonly string[]): string {
  const which = others.length === 0 ? `${first} is` : `${first} and ${others.length} more files of the input are`
  return `${which} not to be found from ${process.cwd()}: whether the input is still what the run has read can't be checked.`
}
