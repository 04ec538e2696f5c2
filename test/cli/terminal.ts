import { main } from '../../src/cli/main.ts'

export interface Printed {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Runs the command line in this process on a terminal that keeps what it is given. */
export async function runMain(args: readonly string[], columns = 100): Promise<Printed> {
  let [out, err] = ['', '']
  const status = await main(args, {
    out: { write: text => (out += text), columns },
    err: { write: text => (err += text), columns },
  })
  return { status, out, err }
}

/** Lines of JSON as values. */
export function parseLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
}
