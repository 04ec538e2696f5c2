/** Why a part of somebody's Arrow bytes can't be read, as a dead record says it. */
export type ArrowFault = 'corrupt-arrow' | 'unsupported-arrow' | 'arrow-too-large'

export class ArrowError extends Error {
  readonly reason: ArrowFault
  /** Whether the message names the column that it is about. */
  readonly hasColumn: boolean

  constructor(reason: ArrowFault, message: string, hasColumn = false) {
    super(message)
    this.reason = reason
    this.hasColumn = hasColumn
  }
}

/** The error as ours, with where it was met: what reads outside its bytes was damaged. Others are mistakes and stay as they are. */
export function locateError(error: unknown, where: string): unknown {
  const located = toArrowError(error)
  return located ? new ArrowError(located.reason, `${where}: ${located.message}`, located.hasColumn) : error
}

/** The same where it is met in a column; the innermost column is the one that is named. */
export function locateInColumn(error: unknown, path: string, type: string): unknown {
  const located = toArrowError(error)
  if (!located || located.hasColumn) return located ?? error
  return new ArrowError(located.reason, `column '${path}' of type ${type}: ${located.message}`, true)
}

function toArrowError(error: unknown): ArrowError | null {
  if (error instanceof ArrowError) return error
  return error instanceof RangeError ? new ArrowError('corrupt-arrow', error.message) : null
}

const tooLarge = () =>
  new ArrowError('arrow-too-large', 'with it, more would be read at once than there is room for: send smaller messages')

/** What the values of messages may still take: compressed buffers, dictionaries and views make much of few bytes. */
export class ArrowBudget {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  /** Throws 'arrow-too-large' where it is more than what is left. */
  spend(bytes: number): void {
    if (bytes > this.#left) throw tooLarge()
    this.#left -= bytes
  }

  /** The same of what is made already; where it is more, nothing is left, so that no more is made. */
  drain(bytes: number): void {
    const left = this.#left
    this.#left = Math.max(0, left - bytes)
    if (bytes > left) throw tooLarge()
  }
}
