import { escapeControls } from '../text/printable.ts'
import type { Terminal } from './command.ts'

/**
 * The same terminal, which nothing that is printed can steer: what a command did not clean itself, an error's message or a line of JSON,
 * is escaped here. `redraw` alone moves the cursor.
 */
export function guardTerminal({ out, err }: Terminal): Terminal {
  return { out: guardOutput(out), err: guardOutput(err) }
}

function guardOutput(stream: Terminal['out']): Terminal['out'] {
  const own = {
    write: (text: string) => stream.write(escapeControls(text)),
    redraw: (text: string) => stream.write(`\r\x1b[2K${escapeControls(text)}`),
  }
  return new Proxy(stream, {
    get: (_, name) => {
      if (Object.hasOwn(own, name)) return own[name as keyof typeof own]
      const value: unknown = Reflect.get(stream, name)
      return typeof value === 'function' ? value.bind(stream) : value
    },
  })
}
