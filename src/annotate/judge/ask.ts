import type { Endpoint } from '../model-server/endpoint.ts'
import { ModelServer, type Patience } from '../model-server/model-server.ts'
import { readAnswer, type Values } from './answer.ts'
import { AnswerStore, type Outcome, type Reservation, type Spent } from './answer-store.ts'
import { type Question, QuestionWriter, type Terms } from './question.ts'
import { type Sent, sendQuestion } from './send.ts'

/** What a judge said of a text, or why it said nothing. */
export interface Judged {
  readonly values: Values | null
  /** Empty where there are values. */
  readonly unanswered: string
  readonly isCut: boolean
}

/** How a judge is asked. */
export interface Asking extends Patience {
  /** Null where nobody is to be asked: only what is stored counts. */
  readonly endpoint: Endpoint | null
  /** Of all that was ever asked in these terms, by anybody who uses the store. */
  readonly budget: Spent
  /** Answers on a text that may be none, before it is left without one. */
  readonly invalidMax: number
  /** A text is given up after so long. */
  readonly documentMs: number
}

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
  /** Null where nobody is to be asked. */
  readonly #server: ModelServer | null
  #sending = 0
  /** The next request's end. */
  #ended = Promise.withResolvers<void>()
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(store: AnswerStore, terms: Terms, asking: Asking) {
    this.store = store
    this.writer = new QuestionWriter(terms)
    this.#asking = asking
    const kept = () => `; ${store.answers} answers are in ${store.path}, and the same command goes on`
    this.#server = asking.endpoint && new ModelServer(asking.endpoint, asking, kept)
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
    const server = this.#server
    return server ? await server.inPlace(() => this.#ask(question, server)) : unanswered('not-stored')
  }

  /** What is stored of a question, where that is enough. */
  #find({ key }: Question): Omit<Judged, 'isCut'> | null {
    const values = this.store.find(key)
    if (values) return { values, unanswered: '' }
    const { times, reason } = this.store.findInvalid(key)
    return times >= this.#asking.invalidMax ? unanswered(`invalid:${reason}`) : null
  }

  async #ask(question: Question, server: ModelServer): Promise<Omit<Judged, 'isCut'>> {
    const end = performance.now() + this.#asking.documentMs
    for (let tries = 0; ; ) {
      server.check()
      const stored = this.#find(question)
      if (stored) return stored
      // Before a request is put down, as that counts from then on.
      if (!(await server.isReady(end))) return unanswered(server.giveUp('retry-after'))
      const reservation = await this.#reserve(question, server)
      if (!reservation) {
        if (this.#find(question)) continue
        return unanswered('budget')
      }
      const sent = await this.#send(question, server, end, reservation)
      if (sent.kind === 'answer') continue
      if (sent.kind === 'refused') return unanswered(server.refuse(sent))
      if (!(await server.mayTryAgain(sent, ++tries, end))) return unanswered(server.giveUp(sent.why))
    }
  }

  /** Puts a request down, one after another. It may be sent once this returns it. */
  #reserve(question: Question, server: ModelServer): Promise<Reservation | null> {
    const reserved = this.#turn.then(() => this.#reserveNow(question, server))
    this.#turn = reserved.catch(() => {})
    return reserved
  }

  /** Where the budget has nothing left, requests that are under way are waited for: they may cost less than was reserved for them. */
  async #reserveNow({ key, tokensMax }: Question, server: ModelServer): Promise<Reservation | null> {
    for (;;) {
      server.check()
      const reservation = await this.store.reserve(key, tokensMax, this.#asking.budget)
      if (reservation) this.#sending++
      if (reservation || this.#sending === 0 || this.store.find(key)) return reservation
      await this.#ended.promise
    }
  }

  async #send(question: Question, server: ModelServer, end: number, reservation: Reservation): Promise<Sent> {
    try {
      const sent = await sendQuestion(server.endpointUntil(end), question.body)
      if (sent.kind === 'answer') server.answered()
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
    const tokens = sent.tokens ?? reserved
    const read = readAnswer(sent.content, sent.isCutOff, this.writer.terms.rubric)
    return typeof read === 'string' ? { invalid: read, tokens } : { values: read, tokens, servedBy: sent.servedBy }
  }
}

const unanswered = (why: string) => ({ values: null, unanswered: why })
