import { basename } from 'node:path'
import { HeadraceError } from '../../errors.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { EventStreams } from '../../watch/event-streams.ts'
import { LiveLooks } from '../../watch/live-looks.ts'
import { paceJson } from '../../watch/pace-json.ts'
import type { RunLook } from '../../watch/run-look.ts'
import { type Asked, jsonPage, type Page, plainPage, type Routes } from '../../watch/serve-status.ts'
import { describeDocument } from './describe-document.ts'
import { findDocuments, parseDocumentQuery } from './find-documents.ts'
import { writeLivePage } from './live-page.ts'
import { packSample, RowSample } from './row-sample.ts'
import { tellRun } from './tell-run.ts'
import { Turns } from './turns.ts'
import { answerWhatIf } from './what-if-answer.ts'

export interface LiveOptions {
  /** The run's folder. */
  readonly dir: string
  /** Whether documents may be read here. */
  readonly hasDocuments: boolean
  look(): Promise<RunLook>
  /** Opens the run to read it. Throws 'not-found' where this process does not have its folder. */
  open(): Promise<RunReader>
  /** Writes its report; null where none is offered. */
  readonly report: (() => Promise<string>) | null
}

/** A run as a page and an interface for scripts: looked at again and again, and asked when somebody asks. */
export class LiveRun implements AsyncDisposable {
  readonly #options: LiveOptions
  readonly #streams: EventStreams
  readonly #looks: LiveLooks
  readonly #turns = new Turns()
  #page: string | null = null
  #report: Promise<string> | null = null
  readonly #sample = new RowSample()
  #sampledAt = Number.NEGATIVE_INFINITY

  constructor(options: LiveOptions) {
    this.#options = options
    this.#streams = new EventStreams(() => [['history', this.#looks.history.all()], ...this.#lookEvents()])
    this.#looks = new LiveLooks({
      look: options.look,
      isWatched: () => this.#streams.size > 0,
      onLook: () => this.#tell(),
    })
  }

  begin(): void {
    this.#looks.begin()
  }

  /** What it answers, by path. */
  routes(): Routes {
    const { report } = this.#options
    return {
      '/': () => ({ status: 200, type: pageType, body: (this.#page ??= this.#writePage()) }),
      '/api/run': () => this.#describeRun(),
      '/api/events': () => this.#watch(),
      '/api/rows': asked => this.#readRows(asked),
      '/api/documents': asked => this.#findDocuments(asked),
      '/api/documents/*': asked => this.#describeDocument(asked),
      'POST /api/what-if': asked => this.#answerWhatIf(asked),
      ...(report && { '/report': () => this.#writeReport(report) }),
    }
  }

  #writePage(): string {
    const { dir, hasDocuments, report } = this.#options
    return writeLivePage({ run: basename(dir), hasDocuments, hasReport: report !== null })
  }

  #lookEvents(): [event: string, value: unknown][] {
    const { pace, error } = this.#looks
    return pace ? [['look', tellRun(pace, error, this.#options.dir)]] : []
  }

  #tell(): void {
    if (!this.#looks.error) this.#streams.send('point', this.#looks.history.last())
    for (const [event, value] of this.#lookEvents()) this.#streams.send(event, value)
  }

  async #describeRun(): Promise<Page> {
    if (!this.#looks.pace) await this.#looks.look()
    const { pace, error } = this.#looks
    if (pace) return jsonPage({ ...paceJson(pace), error })
    return plainPage(503, error ?? 'the run could not be looked at')
  }

  #watch(): EventStreams {
    this.#looks.hurry()
    return this.#streams
  }

  #read<T>(ask: (run: RunReader) => Promise<T>): Promise<Page> {
    return this.#turns.take(async () => {
      await using run = await this.#options.open()
      return jsonPage(await ask(run))
    })
  }

  #readRows({ parameters }: Asked): Promise<Page> {
    refuseParameters(parameters)
    return this.#askSample(packSample)
  }

  #askSample(ask: (sample: RowSample) => unknown): Promise<Page> {
    return this.#turns.take(async () => {
      const isFresh = this.#sample.isWhole && performance.now() - this.#sampledAt < freshMs
      if (!isFresh) await this.#refresh()
      return jsonPage(ask(this.#sample))
    })
  }

  async #refresh(): Promise<void> {
    await using run = await this.#options.open()
    await this.#sample.refresh(run)
    this.#sampledAt = performance.now()
  }

  #findDocuments({ parameters }: Asked): Page | Promise<Page> {
    if (!this.#options.hasDocuments) return noDocuments
    const query = parseDocumentQuery(parameters)
    return this.#read(run => findDocuments(run, query))
  }

  #describeDocument({ rest, parameters }: Asked): Page | Promise<Page> {
    if (!this.#options.hasDocuments) return noDocuments
    refuseParameters(parameters)
    const [, slot, row] = /^(\d{1,15})\/(\d{1,15})$/.exec(rest) ?? []
    if (row === undefined) throw new HeadraceError('bad-option', `/api/documents/${rest}: give SLOT/ROW, as 12/340`)
    return this.#read(run => describeDocument(run, Number(slot), Number(row)))
  }

  #answerWhatIf({ body }: Asked): Promise<Page> {
    const question = parseJson(body)
    return this.#askSample(sample => answerWhatIf(sample, question))
  }

  async #writeReport(write: () => Promise<string>): Promise<Page> {
    this.#report ??= this.#turns.take(write)
    try {
      return { status: 200, type: pageType, body: await this.#report }
    } catch (error) {
      this.#report = null
      throw error
    }
  }

  /** Pages are told the end before their connections are. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#looks[Symbol.asyncDispose]()
    this.#streams[Symbol.dispose]()
  }
}

const noDocuments = plainPage(403, 'documents are not shown here: the server was started without --http-documents')
/** A sample is not brought up to date for each of many thresholds that are tried one after the other. */
const freshMs = 2000
const pageType = 'text/html; charset=utf-8'

function refuseParameters(parameters: URLSearchParams): void {
  const [name] = parameters.keys()
  if (name !== undefined) throw new HeadraceError('bad-option', `'${name}' is given, and this takes no parameters`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new HeadraceError('bad-option', 'the question is no JSON: give {"overrides": {"COLUMN": {"below": NUMBER}}}')
  }
}
