import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { HeadraceError } from '../errors.ts'
import { formatPairs, wrapText } from './wrap.ts'

/** Where a command prints. Tests give their own. */
export interface Terminal {
  readonly out: {
    write(text: string): unknown
    /** Writes over the line that the cursor is in. What `main` gives to commands has it. */
    redraw?(text: string): unknown
    /** Takes the whole screen, which what stood there comes back to when it is given back, or draws it. Also what `main` gives. */
    screen?(change: ScreenChange): unknown
    readonly isTTY?: boolean
    readonly columns?: number
    readonly rows?: number
  }
  readonly err: Terminal['out']
}

/** A line of a screen, and how it stands out. */
export interface ScreenLine {
  readonly text: string
  readonly tone?: 'strong' | 'warning'
}

/** `lines` fit the terminal; without `isColoured` none stands out. */
export type ScreenChange =
  | { readonly kind: 'take' }
  | { readonly kind: 'give-back' }
  | { readonly kind: 'draw'; readonly lines: readonly ScreenLine[]; readonly isColoured: boolean }

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

/** One command: a file of `cli/` exports one. */
export interface Command {
  readonly name: string
  /** Its arguments, a word each: `ID`, `[FILE]` that may be left out, `FILE...` for one or more. None by default. */
  readonly usage?: string
  /** One line, for the list of commands. */
  readonly summary: string
  /** What else its own help says. */
  readonly details?: string
  readonly options: Readonly<Record<string, CommandOption>>
  /** Goes on when the reader of its output is gone, as its work is elsewhere. */
  readonly outlivesReader?: boolean
  /** Returns the exit status where that is not 0. */
  run(args: ParsedArgs, terminal: Terminal): Promise<number | undefined>
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

/** How many files a command takes at most. */
const filesMax = 100_000

function checkPositionals(command: Command, given: readonly string[]): void {
  const { usage = '' } = command
  const words = usage.split(' ').filter(Boolean)
  const min = words.filter(word => !word.startsWith('[')).length
  const max = usage.endsWith('...') ? filesMax : words.length
  if (given.length >= min && given.length <= max) return
  const shown = given.slice(0, 4).join(' ') + (given.length > 4 ? ` and ${given.length - 4} more` : '')
  const hint = given.length > max && max > 0 ? '; a glob needs quotes, or the shell makes many words of it' : ''
  const got = given.length ? `'${shown}'` : 'nothing'
  throw bad(command, `it takes ${usage || 'no argument'}, and got ${got}${hint}`)
}

function parseOrExplain(command: Command, argv: readonly string[]) {
  const options: ParseArgsOptionsConfig = {}
  for (const [name, { value, multiple }] of Object.entries(command.options))
    options[name] = { type: value === undefined ? 'boolean' : 'string', multiple: multiple ?? false }
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (error) {
    const { message } = error as Error
    const given = /'(-[^' ]*)/.exec(message)?.[1] ?? ''
    const minus = message.includes('ambiguous') ? `; one that begins with '-' is given as ${given}=-1` : ''
    throw bad(command, `${explainOption(command, given)}${minus}`)
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
  log: { value: 'URL', help: "where the run's log is, for brokers on Kafka that you have not named before" },
  'log-config': { value: 'FILE', help: "client properties for them, as Kafka's own tools take them" },
} as const
