import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import type { LocatedFate } from '../replay/fates.ts'
import type { RunReader } from '../replay/run-reader.ts'
import { sampleByReason } from '../replay/samples.ts'
import { type Command, runOptions, type Terminal } from './command.ts'
import { openRun } from './find-run.ts'
import { formatCount } from './table.ts'

export const lookCommand: Command = {
  name: 'look',
  usage: '[REASON]',
  summary:
    'Shows samples of what was dropped for each reason, with the measured value, and of a duplicate the document that it repeats.',
  positionals: { min: 0, max: 1 },
  options: {
    ...runOptions,
    samples: { value: 'N', help: 'samples for each reason (default 3)' },
    chars: { value: 'N', help: 'characters of each text (default 300)' },
  },
  run: async (args, terminal) => {
    await using run = await openRun(args)
    await look(run, terminal, {
      reason: args.positionals[0],
      samplesMax: args.count('samples', 3),
      charsMax: args.count('chars', 300),
    })
    return 0
  },
}

export interface LookOptions {
  readonly reason?: string | undefined
  readonly samplesMax: number
  readonly charsMax: number
}

/** Prints samples by reason, the most frequent first. */
export async function look(run: RunReader, terminal: Terminal, options: LookOptions): Promise<void> {
  const groups = await sampleByReason(run, options.samplesMax)
  const sorted = [...groups].sort((a, b) => b[1].count - a[1].count || (a[0] < b[0] ? -1 : 1))
  for (const [reason, { count, samples }] of sorted) {
    if (options.reason !== undefined && reason !== options.reason) continue
    terminal.out.write(`\n── ${reason}: ${formatCount(count)} ${count === 1 ? 'record' : 'records'}\n`)
    for (const fate of samples) terminal.out.write(await describe(run, fate, options.charsMax))
  }
}

async function describe(run: RunReader, fate: LocatedFate, charsMax: number): Promise<string> {
  const evidence =
    fate.evidence === null
      ? ''
      : `  ${typeof fate.evidence === 'number' ? +fate.evidence.toPrecision(4) : fate.evidence}`
  const head = `\n  ${fate.id || '(no document)'}  ${fate.file}:${fate.line}${fate.domain ? `  ${fate.domain}` : ''}${evidence}\n`
  if (fate.index < 0) return head
  const text = excerpt(stringAt(utf8(await run.scored(fate.slot), 'text'), fate.index), charsMax)
  if (fate.partner < 0) return `${head}${text}`
  const { batch, index } = await run.find(fate.partner)
  const similarity = fate.similarity === null ? '' : `, similarity ${fate.similarity}`
  const place = `${stringAt(utf8(batch, 'file'), index)}:${numbers(batch, 'line')[index]}`
  const partner = `  repeats ${fate.duplicateOf}  ${place}${similarity}\n`
  return `${head}${text}${partner}${excerpt(stringAt(utf8(batch, 'text'), index), charsMax)}`
}

/** The beginning of a text, indented, without control characters that would move the terminal's cursor. */
export function excerpt(text: string, charsMax: number): string {
  const short = text.length > charsMax ? `${text.slice(0, charsMax).toWellFormed()}…` : text
  const lines = short
    .replace(/[^\P{Cc}\n]/gu, ' ')
    .split('\n')
    .filter(line => line.trim())
  return lines.map(line => `    │ ${line}\n`).join('')
}
