/** What is wrong with one file and no later try would mend: it ends the file's split with a dead record. */
export class BadFileError extends Error {
  readonly reason: string

  constructor(reason: string, detail: string) {
    super(detail)
    this.reason = reason
  }
}
