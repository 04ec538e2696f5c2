import type { ScreenLine, Terminal } from './command.ts'
import { stopOnSignal } from './stop-signal.ts'

/** A terminal's whole screen, taken from the shell until disposed, or until the process ends however it does. */
export interface LiveScreen extends Disposable {
  draw(lines: readonly ScreenLine[]): void
  /** Fulfilled once somebody leaves: `key` by q or Ctrl-C, `signal` where a signal came. */
  readonly left: Promise<'key' | 'signal'>
}

/** Ctrl-C comes as a sign and not as a signal while keys are read one by one. */
const leaving = new Set(['q', 'Q', '\u0003', '\u0004'])

/** Takes the screen. `onResize` is called when the terminal's size has changed. */
export function takeScreen(out: Terminal['out'], onResize: () => void, env = process.env): LiveScreen {
  const { promise: left, resolve } = Promise.withResolvers<'key' | 'signal'>()
  const isColoured = !env.NO_COLOR
  let isTaken = true
  const giveBackKeys = readKeys(key => leaving.has(key) && resolve('key'))
  const giveBack = () => {
    if (!isTaken) return
    isTaken = false
    out.screen?.({ kind: 'give-back' })
    giveBackKeys()
  }
  const onHangup = () => {
    giveBack()
    process.exit(129)
  }
  out.screen?.({ kind: 'take' })
  process.on('exit', giveBack).on('SIGWINCH', onResize).on('SIGHUP', onHangup)
  const stop = stopOnSignal(() => resolve('signal'), { atOnce: giveBack })
  return {
    draw: lines => isTaken && out.screen?.({ kind: 'draw', lines, isColoured }),
    left,
    [Symbol.dispose]: () => {
      giveBack()
      stop.end()
      process.off('exit', giveBack).off('SIGWINCH', onResize).off('SIGHUP', onHangup)
    },
  }
}

/** Reads keys as they are pressed, where there is a keyboard. */
function readKeys(onKey: (key: string) => void): () => void {
  const { stdin } = process
  if (!stdin.isTTY) return () => {}
  const onData = (data: Buffer) => {
    for (const key of data.toString('latin1')) onKey(key)
  }
  stdin.setRawMode(true)
  stdin.on('data', onData).resume()
  return () => {
    stdin.off('data', onData).pause()
    stdin.setRawMode(false)
  }
}
