import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { HeadraceError } from '../errors.ts'
import { formatPairs, wrapText } from './wrap.ts'

/** Where a command prints. Tests give their own. */
export interface Terminal {
  readonly out: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }
}

/** An option as help shows it. `value` names its argument; without one it is a flag. */
export interface CommandOption {
  readonly value?: string
  readonly multiple?: boolean
  readonly help: string
}

export interface ParsedArgs {
  readonly positionals: readonly string[]
  text(name: string): string | undefined
  texts(name: string): readonly string[]
  flag(name: string): boolean
  /** A whole number of at least `min`; `fallback` when it is not given. */
  count(name: string, fallback: number, min?: number, max?: number): number
}

/** One command: a file of `cli/` exports one. `run` returns the exit status. */
export interface Command {
  readonly name: string
  /** What stands after the name: `PIPELINE`, `ID`. */
  readonly usage: string
  /** One line, for the list of commands. */
  readonly summary: string
  /** What else its own help says. */
  readonly details?: string
  readonly positionals: { readonly min: number; readonly max: number }
  readonly options: Readonly<Record<string, CommandOption>>
  /** Goes on when the reader of its output is gone, as its work is elsewhere. */
  readonly outlivesReader?: boolean
  run(args: ParsedArgs, terminal: Terminal): Promise<number>
}

/** Parses a command's arguments; anything it does not know is a `bad-option` that says what it knows. */
export function parseCommand(command: Command, argv: readonly string[]): ParsedArgs {
  const { values, positionals } = parseOrExplain(command, argv)
  checkPositionals(command, positionals)
  const text = (name: string) => values[name] as string | undefined
  return {
    positionals,
    text,
    texts: name => (values[name] as string[] | undefined) ?? [],
    flag: name => values[name] === true,
    count: (name, fallback, min = 1, max = Number.MAX_SAFE_INTEGER) => {
      const given = text(name)
      if (given === undefined) return fallback
      if (/^\d+$/.test(given) && Number(given) >= min && Number(given) <= max) return Number(given)
      const range = `of at least ${min}${max < Number.MAX_SAFE_INTEGER ? ` and at most ${max}` : ''}`
      throw bad(command, `--${name} is '${given}'; it takes a whole number ${range}`)
    },
  }
}

function checkPositionals(command: Command, given: readonly string[]): void {
  const { min, max } = command.positionals
  if (given.length >= min && given.length <= max) return
  const shown = given.slice(0, 4).join(' ') + (given.length > 4 ? ` and ${given.length - 4} more` : '')
  const hint = given.length > max && max > 0 ? '; a glob needs quotes, or the shell makes many words of it' : ''
  throw bad(
    command,
    `it takes ${command.usage || 'no argument'}, and got ${given.length ? `'${shown}'` : 'nothing'}${hint}`,
  )
}

function parseOrExplain(command: Command, argv: readonly string[]) {
  const options: ParseArgsOptionsConfig = {}
  for (const [name, { value, multiple }] of Object.entries(command.options))
    options[name] = { type: value === undefined ? 'boolean' : 'string', multiple: multiple ?? false }
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (error) {
    const given = /'(-[^' ]*)/.exec((error as Error).message)?.[1] ?? ''
    throw bad(command, explainOption(command, given))
  }
}

function explainOption({ options }: Command, given: string): string {
  const known = options[given.replace(/^--/, '')]
  if (known?.value !== undefined) return `${given} needs a value: ${given} ${known.value}`
  if (known) return `${given} takes no value`
  const names = Object.keys(options).map(name => `--${name}`)
  return `unknown option '${given}'; it knows ${names.join(', ') || 'none'}`
}

function bad(command: Command, what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace ${command.name} --help`)
}

/** The help of one command. */
export function describeCommand({ name, usage, summary, details, options }: Command, width: number): string {
  const rows = Object.entries(options).map(
    ([option, { value, help }]) => [`--${option}${value === undefined ? '' : ` ${value}`}`, help] as const,
  )
  const head = ['headrace', name, usage, rows.length ? '[options]' : ''].filter(Boolean).join(' ')
  const text = wrapText(details ? `${summary}\n\n${details}` : summary, width).join('\n')
  return `${head}\n\n${text}\n${rows.length ? `\n${formatPairs(rows, width)}` : ''}`
}

/** Options that several commands share. */
export const runOptions = {
  dir: { value: 'DIR', help: 'folder of all runs (default .headrace)' },
  run: { value: 'RUN', help: 'name of the run (default the newest)' },
} as const
