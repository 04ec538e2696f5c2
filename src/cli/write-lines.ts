import type { Writable } from 'node:stream'
import type { Terminal } from './command.ts'

/** Lines gathered before they are written, as one write a line would take longer than making it. */
const gatherChars = 1 << 16

/** Writes a line an item, at the pace of whoever reads them. */
export async function writeLines<T>(terminal: Terminal, items: AsyncIterable<T>, lineOf: (item: T) => string) {
  let text = ''
  for await (const item of items) {
    text += `${lineOf(item)}\n`
    if (text.length < gatherChars) continue
    await write(terminal, text)
    text = ''
  }
  await write(terminal, text)
}

async function write(terminal: Terminal, text: string): Promise<void> {
  if (terminal.out.write(text) !== false) return
  const stream = terminal.out as Writable
  await new Promise(resolve => stream.once('drain', resolve))
}
