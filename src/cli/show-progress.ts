import type { Progress } from '../run/progress.ts'
import type { Terminal } from './command.ts'
import { formatBar, formatBytes, formatCount, formatSeconds } from './table.ts'

/** How often a terminal is redrawn, and how often a pipe gets a line. */
const redrawMs = 200
const lineMs = 5000

/** Shows a run's progress until stopped: one line that is redrawn on a terminal, a plain line now and then in a pipe. */
export function showProgress(progress: Progress, terminal: Terminal): { stop(): void } {
  const isLive = terminal.out.isTTY === true
  const started = performance.now()
  const line = () => describeProgress(progress, (performance.now() - started) / 1000)
  const show = () => terminal.out.write(isLive ? `\r\x1b[2K${clip(line(), terminal.out.columns)}` : `${line()}\n`)
  const timer = setInterval(show, isLive ? redrawMs : lineMs)
  timer.unref()
  return {
    stop: () => {
      clearInterval(timer)
      if (isLive) terminal.out.write('\r\x1b[2K')
    },
  }
}

/** One line: how much was read, how fast, what became of it, what is left. */
export function describeProgress(progress: Progress, seconds: number): string {
  const { decide, readBytes, readBytesBefore, inputBytes } = progress
  const rate = (readBytes - readBytesBefore) / Math.max(seconds, 0.001)
  const dropped = Object.values(decide.dropped).reduce((a, b) => a + b, 0)
  const parts = [
    `${formatBytes(readBytes)} read at ${formatBytes(rate)}/s`,
    `${formatCount(decide.documents)} documents`,
    `${formatCount(decide.kept)} kept`,
    `${formatCount(dropped)} dropped`,
    `${formatCount(decide.dead)} dead`,
    `${formatCount(progress.shard.tokens)} tokens`,
    `${formatCount(progress.steps)} steps`,
  ]
  if (inputBytes > readBytes && rate > 0) parts.push(`${formatSeconds((inputBytes - readBytes) / rate)} left`)
  return (inputBytes ? `${formatBar(readBytes / inputBytes, 12)} ` : '') + parts.join(', ')
}

function clip(text: string, columns = 120): string {
  return text.length < columns ? text : `${text.slice(0, columns - 2)}…`
}
