import { setTimeout as wait } from 'node:timers/promises'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { readAnswer, type Values } from './answer.ts'
import { AnswerStore, type Outcome, type Reservation, type Spent } from './answer-store.ts'
import { type Question, QuestionWriter, type Terms } from './question.ts'
import { type Endpoint, noServerCodes, type Sent, sendQuestion } from './send.ts'

/** What a judge said of a text, or why it said nothing. */
export interface Judged {
  readonly values: Values | null
  /** Empty where there are values. */
  readonly unanswered: string
  readonly isCut: boolean
}

/** How a judge is asked. */
export interface Asking {
  /** Null where nobody is to be asked: only what is stored counts. */
  readonly endpoint: Endpoint | null
  /** Of all that was ever asked in these terms, by anybody who uses the store. */
  readonly budget: Spent
  /** Requests at a time. */
  readonly concurrency: number
  /** Requests of a text that a server or network may fail. */
  readonly triesMax: number
  /** Answers on a text that may be none, before it is left without one. */
  readonly invalidMax: number
  /** A text is given up after so long. */
  readonly documentMs: number
  /** Before a second request; twice as long before each further one. */
  readonly pauseMs: number
}

const pauseMsMax = 30_000

/** Asks a judge for what is not stored, and stores it. */
export class Judge {
  readonly store: AnswerStore
  readonly writer: QuestionWriter
  /** Answers that were stored before, and requests of this object by how they ended: `answered`, `invalid:...`, `failed:...`. */
  reused = 0
  readonly requests = new Map<string, number>()
  readonly #asking: Asking
  /** Texts that are being asked about: the same text twice is one question. */
  readonly #open = new Map<string, Promise<Omit<Judged, 'isCut'>>>()
  readonly #places: (() => void)[] = []
  #busy = 0
  #sending = 0
  /** The next request's end. */
  #ended = Promise.withResolvers<void>()
  #turn: Promise<unknown> = Promise.resolve()
  #notBefore = 0
  #failures = 0
  #stopped: HeadraceError | null = null

  private constructor(store: AnswerStore, terms: Terms, asking: Asking) {
    this.store = store
    this.writer = new QuestionWriter(terms)
    this.#asking = asking
  }

  static async open(dir: string, terms: Terms, asking: Asking): Promise<Judge> {
    return new Judge(await AnswerStore.open(dir, terms), terms, asking)
  }

  /** Throws where the server can't be reached or refuses all. What was answered until then is stored. */
  async judge(text: string): Promise<Judged> {
    const question = this.writer.write(text)
    const { key, isCut } = question
    let asked = this.#open.get(key)
    if (!asked) {
      asked = this.#answer(question).finally(() => this.#open.delete(key))
      this.#open.set(key, asked)
    }
    return { ...(await asked), isCut }
  }

  async #answer(question: Question): Promise<Omit<Judged, 'isCut'>> {
    const stored = this.#find(question)
    if (stored) {
      this.reused++
      return stored
    }
    const { endpoint, concurrency } = this.#asking
    if (!endpoint) return unanswered('not-stored')
    if (this.#busy === concurrency) await new Promise<void>(resolve => this.#places.push(resolve))
    else this.#busy++
    try {
      return await this.#ask(question, endpoint)
    } finally {
      const next = this.#places.shift()
      if (next) next()
      else this.#busy--
    }
  }

  /** What is stored of a question, where that is enough. */
  #find({ key }: Question): Omit<Judged, 'isCut'> | null {
    const values = this.store.find(key)
    if (values) return { values, unanswered: '' }
    const { times, reason } = this.store.findInvalid(key)
    return times >= this.#asking.invalidMax ? unanswered(`invalid:${reason}`) : null
  }

  async #ask(question: Question, endpoint: Endpoint): Promise<Omit<Judged, 'isCut'>> {
    const { triesMax, documentMs } = this.#asking
    const end = performance.now() + documentMs
    for (let tries = 0; ; ) {
      if (this.#stopped) throw this.#stopped
      const stored = this.#find(question)
      if (stored) return stored
      // Before a request is put down, as that counts from then on.
      const rest = this.#notBefore - performance.now()
      if (performance.now() + rest > end) return this.#giveUp('retry-after', endpoint)
      if (rest > 0) await wait(rest)
      const reservation = await this.#reserve(question)
      if (!reservation) {
        if (this.#find(question)) continue
        return unanswered('budget')
      }
      const timeoutMs = Math.ceil(Math.max(1, Math.min(endpoint.timeoutMs, end - performance.now())))
      const sent = await this.#send(question, { ...endpoint, timeoutMs }, reservation)
      if (sent.kind === 'answer') continue
      if (sent.kind === 'refused') return this.#refuse(sent, endpoint)
      tries++
      const pause = Math.max(sent.afterMs, this.#pauseFor(tries))
      if (sent.afterMs > 0) this.#notBefore = Math.max(this.#notBefore, performance.now() + sent.afterMs)
      if (tries >= triesMax || performance.now() + pause > end) return this.#giveUp(sent.why, endpoint)
      await wait(pause)
    }
  }

  #pauseFor(tries: number): number {
    const { pauseMs } = this.#asking
    return Math.min(pauseMsMax, pauseMs * 2 ** (tries - 1)) * (0.5 + Math.random() / 2)
  }

  /** Puts a request down, one after another. It may be sent once this returns it. */
  #reserve(question: Question): Promise<Reservation | null> {
    const reserved = this.#turn.then(() => this.#reserveNow(question))
    this.#turn = reserved.catch(() => {})
    return reserved
  }

  /** Where the budget has nothing left, requests that are under way are waited for: they may cost less than was reserved for them. */
  async #reserveNow({ key, tokensMax }: Question): Promise<Reservation | null> {
    for (;;) {
      if (this.#stopped) throw this.#stopped
      const reservation = await this.store.reserve(key, tokensMax, this.#asking.budget)
      if (reservation) this.#sending++
      if (reservation || this.#sending === 0 || this.store.find(key)) return reservation
      await this.#ended.promise
    }
  }

  async #send(question: Question, endpoint: Endpoint, reservation: Reservation): Promise<Sent> {
    try {
      const sent = await sendQuestion(endpoint, question.body)
      const outcome = this.#outcomeOf(sent, reservation)
      // Before it is used: what a killed process has received and not stored would be paid for twice.
      await this.store.settle(reservation, outcome)
      const how =
        'values' in outcome
          ? 'answered'
          : 'invalid' in outcome
            ? `invalid:${outcome.invalid}`
            : `failed:${outcome.failed}`
      this.requests.set(how, (this.requests.get(how) ?? 0) + 1)
      return sent
    } finally {
      this.#sending--
      this.#ended.resolve()
      this.#ended = Promise.withResolvers()
    }
  }

  #outcomeOf(sent: Sent, { tokens: reserved }: Reservation): Outcome {
    if (sent.kind !== 'answer') {
      const isFree = sent.kind === 'refused' || sent.isFree
      return { failed: sent.why, tokens: isFree ? 0 : reserved }
    }
    this.#failures = 0
    const tokens = sent.tokens ?? reserved
    const read = readAnswer(sent.content, sent.isCutOff, this.writer.terms.rubric)
    return typeof read === 'string' ? { invalid: read, tokens } : { values: read, tokens, servedBy: sent.servedBy }
  }

  #refuse({ why, ofAll }: Extract<Sent, { kind: 'refused' }>, { url, key }: Endpoint): Omit<Judged, 'isCut'> {
    if (!ofAll) return unanswered(`refused:${why}`)
    const advice = key === null ? 'no key was sent' : 'a key was sent'
    throw this.#stop(
      `${url.href} answers with ${why.replace('-', ' ')} (${advice}): see its log, the key, the model's name, and whether it is the URL of a server and not of a redirect`,
    )
  }

  #giveUp(why: string, { url }: Endpoint): Omit<Judged, 'isCut'> {
    if (noServerCodes.has(why)) throw this.#stop(`${url.href} can't be reached (${why}): see whether it is up`)
    if (++this.#failures > limits.judgeFailuresMax)
      throw this.#stop(
        `${url.href} has failed on ${this.#failures} texts in a row, the last time by ${why}: see its log`,
      )
    return unanswered(`failed:${why}`)
  }

  #stop(what: string): HeadraceError {
    const { answers, path } = this.store
    const stored = `; ${answers} answers are in ${path}, and the same command goes on`
    this.#stopped ??= new HeadraceError('limit', what + stored)
    return this.#stopped
  }
}

const unanswered = (why: string) => ({ values: null, unanswered: why })
