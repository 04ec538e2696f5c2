import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { HeadraceError } from '../errors.ts'

/** Where a command prints. Tests give their own. */
export interface Terminal {
  readonly out: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean }
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
  count(name: string, fallback: number, min?: number): number
}

/** One command: a file of `cli/` exports one. `run` returns the exit status. */
export interface Command {
  readonly name: string
  /** What stands after the name: `PIPELINE`, `ID`. */
  readonly usage: string
  readonly summary: string
  readonly positionals: { readonly min: number; readonly max: number }
  readonly options: Readonly<Record<string, CommandOption>>
  run(args: ParsedArgs, terminal: Terminal): Promise<number>
}

/** Parses a command's arguments; anything it does not know is a `bad-option` that says what it knows. */
export function parseCommand(command: Command, argv: readonly string[]): ParsedArgs {
  const options: ParseArgsOptionsConfig = {}
  for (const [name, { value, multiple }] of Object.entries(command.options))
    options[name] = { type: value === undefined ? 'boolean' : 'string', multiple: multiple ?? false }
  const { values, positionals } = parseOrExplain(command, argv, options)
  const { min, max } = command.positionals
  if (positionals.length < min || positionals.length > max)
    throw bad(
      command,
      `takes ${command.usage || 'no argument'}, and got ${positionals.length ? `'${positionals.join(' ')}'` : 'nothing'}`,
    )
  const text = (name: string) => values[name] as string | undefined
  return {
    positionals,
    text,
    texts: name => (values[name] as string[] | undefined) ?? [],
    flag: name => values[name] === true,
    count: (name, fallback, least = 1) => {
      const given = text(name)
      if (given === undefined) return fallback
      if (/^\d+$/.test(given) && Number(given) >= least) return Number(given)
      throw bad(command, `--${name} is '${given}'; it takes a whole number of at least ${least}`)
    },
  }
}

function parseOrExplain(command: Command, argv: readonly string[], options: ParseArgsOptionsConfig) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ')
    const known = Object.keys(options).map(name => `--${name}`)
    throw bad(command, `${sentence.replace(/^[A-Z]/, first => first.toLowerCase())}; it knows ${known.join(', ')}`)
  }
}

function bad(command: Command, what: string): HeadraceError {
  return new HeadraceError('bad-option', `headrace ${command.name}: ${what}. See: headrace ${command.name} --help`)
}

/** The help of one command. */
export function describeCommand(command: Command): string {
  const rows = Object.entries(command.options).map(([name, { value, help }]) => {
    const left = `  --${name}${value === undefined ? '' : ` ${value}`}`
    return `${left.padEnd(24)} ${help}`
  })
  return `headrace ${command.name} ${command.usage}\n\n${command.summary}\n\n${rows.join('\n')}\n`
}

/** Options that several commands share. */
export const runOptions = {
  dir: { value: 'DIR', help: 'folder of all runs (default .headrace)' },
  run: { value: 'RUN', help: 'name of the run (default the newest)' },
} as const
