import { escapeControls } from '../text/printable.ts'
import type { ScreenChange, Terminal } from './command.ts'

/**
 * The same terminal, which nothing that is printed can steer: what a command did not clean itself, an error's message or a line of JSON,
 * is escaped here. `redraw` and `screen` alone move the cursor.
 */
export function guardTerminal({ out, err }: Terminal): Terminal {
  return { out: guardOutput(out), err: guardOutput(err) }
}

function guardOutput(stream: Terminal['out']): Terminal['out'] {
  const own = {
    write: (text: string) => stream.write(escapeControls(text)),
    redraw: (text: string) => stream.write(`\r\x1b[2K${escapeControls(text)}`),
    screen: (change: ScreenChange) => stream.write(screenBytes(change)),
  }
  return new Proxy(stream, {
    get: (_, name) => {
      if (Object.hasOwn(own, name)) return own[name as keyof typeof own]
      const value: unknown = Reflect.get(stream, name)
      return typeof value === 'function' ? value.bind(stream) : value
    },
  })
}

const tones = { strong: '\x1b[1m', warning: '\x1b[33m' }

/** The screen beside the one that the shell writes to (xterm's 1049), without a cursor; what was on the other is there again behind it. */
function screenBytes(change: ScreenChange): string {
  if (change.kind === 'take') return '\x1b[?1049h\x1b[?25l'
  if (change.kind === 'give-back') return '\x1b[?25h\x1b[?1049l'
  const lines = change.lines.map(({ text, tone }) => {
    const plain = escapeControls(text.replaceAll('\n', ' '))
    return tone && change.isColoured ? `${tones[tone]}${plain}\x1b[0m` : plain
  })
  // Drawn over what is there, so that nothing flickers; what is left of a longer line, or below, is cleared.
  return `\x1b[H${lines.map(line => `${line}\x1b[K`).join('\r\n')}\x1b[J`
}
