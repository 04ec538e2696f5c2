import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'

const charactersMin = 320
const charactersMax = 420

/** Files of small documents, and how many these are. */
export interface Pieces {
  readonly files: readonly string[]
  readonly count: number
}

/**
 * Writes JSON Lines of many small documents to a folder, cut from the texts of other ones, until there are `countMin`. Keeps what was
 * written before.
 */
export async function writePieces(input: readonly string[], folder: string, countMin: number): Promise<Pieces> {
  await mkdir(folder, { recursive: true })
  const files: string[] = []
  let count = 0
  for (const path of input) {
    if (count >= countMin) break
    const target = join(folder, basename(path))
    count += existsSync(target) ? await countLines(target) : await cutFile(path, target)
    files.push(target)
  }
  return { files, count }
}

async function cutFile(path: string, target: string): Promise<number> {
  const file = await open(`${target}.tmp`, 'w')
  let [count, lines] = [0, '']
  // No reader of lines: it would also break at U+2028.
  for (const line of (await readFile(path, 'utf8')).trimEnd().split('\n')) {
    const { id, text } = JSON.parse(line)
    for (const piece of cutText(text)) {
      lines += `${JSON.stringify({ id: `${id}-${count++}`, text: piece })}\n`
      if (lines.length < 4e6) continue
      await file.write(lines)
      lines = ''
    }
  }
  await file.write(lines)
  await file.close()
  await rename(`${target}.tmp`, target)
  return count
}

/** Ends pieces at white space where there is some soon enough; what is left at the end and short is not used. */
function* cutText(text: string): Generator<string> {
  for (let start = 0; text.length - start >= charactersMin; ) {
    const space = text.slice(start + charactersMin, start + charactersMax).search(/\s/)
    const end = start + (space < 0 ? charactersMax : charactersMin + space)
    yield text.slice(start, end).toWellFormed()
    start = end
  }
}

async function countLines(path: string): Promise<number> {
  let count = 0
  for await (const chunk of createReadStream(path)) for (const byte of chunk) if (byte === 10) count++
  return count
}
