import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { type Fields, isCount, isText } from '../../disk/json-file.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { isSealed, parseObject, sealJson } from '../../sealed-json.ts'
import { isAnswer, type Values } from './answer.ts'
import { AppendFile } from './append-file.ts'
import { hashTerms, type Terms } from './question.ts'

/** What was spent on a judge, or may be at most. */
export interface Spent {
  readonly requests: number
  readonly tokens: number
}

/** How a request that was sent has ended. `tokens`: what it cost, as far as is known. */
export type Outcome =
  | { readonly values: Values; readonly tokens: number; readonly servedBy: string }
  | { readonly invalid: string; readonly tokens: number }
  | { readonly failed: string; readonly tokens: number }

/** A request that may be sent, as the store has it: it counts from now on, whatever happens to who sends it. */
export interface Reservation {
  readonly id: string
  readonly key: string
  readonly tokens: number
}

const format = 'headrace-judged/1'

/**
 * The answers of a judge in given terms, and what was spent on them: a file of sealed lines in a folder, to which any threads and processes of a
 * machine append. A request is a line before it is sent, with the tokens that it may cost, and another one when it has ended. Whether it was
 * within a budget follows from the lines before its own, which are the same to everybody; a request of a process that was killed counts in full.
 */
export class AnswerStore {
  /** Lines that are not as they were written: cut off in a kill, or damaged. */
  damaged = 0
  readonly #file: AppendFile
  readonly #terms: Terms
  readonly #answers = new Map<string, Values>()
  readonly #invalid = new Map<string, { readonly times: number; readonly reason: string }>()
  readonly #pending = new Map<string, number>()
  /** What had been spent before a line of this object's own, by its id. */
  readonly #before = new Map<string, Spent | null>()
  #spent: Spent = { requests: 0, tokens: 0 }
  #reading: Promise<void> = Promise.resolve()
  #isBegun = false

  private constructor(dir: string, terms: Terms) {
    this.#terms = terms
    this.#file = new AppendFile(join(dir, `${terms.rubric.name}-${hashTerms(terms)}.jsonl`))
  }

  /** Nothing is written before something is to be sent. */
  static async open(dir: string, terms: Terms): Promise<AnswerStore> {
    const store = new AnswerStore(dir, terms)
    await store.refresh()
    return store
  }

  get path(): string {
    return this.#file.path
  }

  get answers(): number {
    return this.#answers.size
  }

  /** Requests that were begun by anybody, and the tokens of them: at most what those may cost that have not ended. */
  get spent(): Spent {
    return this.#spent
  }

  find(key: string): Values | undefined {
    return this.#answers.get(key)
  }

  /** How often a question was given an answer that is none, and why the last was not. */
  findInvalid(key: string): { readonly times: number; readonly reason: string } {
    return this.#invalid.get(key) ?? { times: 0, reason: '' }
  }

  /** Whether a request of so many tokens is within the budget, as far as is known. */
  allows(tokens: number, budget: Spent, spent = this.#spent): boolean {
    return spent.requests + 1 <= budget.requests && spent.tokens + tokens <= budget.tokens
  }

  /** Puts down a request before it is sent; null where the budget does not have it, or somebody has the answer by now. */
  async reserve(key: string, tokens: number, budget: Spent): Promise<Reservation | null> {
    if (!this.allows(tokens, budget)) return null
    if (!this.#isBegun) await this.#file.append(sealLine({ format, terms: this.#terms }))
    this.#isBegun = true
    const id = randomUUID()
    this.#before.set(id, null)
    await this.#file.append(sealLine({ sent: id, key, tokens }))
    await this.refresh()
    const before = this.#before.get(id)
    this.#before.delete(id)
    if (!before)
      throw new HeadraceError(
        'corrupt',
        `${this.path} lacks a line that was just written: it was replaced under this process, or lies on a network file system; name another store`,
      )
    if (this.allows(tokens, budget, before) && !this.#answers.has(key)) return { id, key, tokens }
    await this.#file.append(sealLine({ done: id, key, unsent: true }))
    await this.refresh()
    return null
  }

  /** Puts down how a request has ended. When it returns an answer lasts, and nobody asks for it again. */
  async settle({ id, key }: Reservation, outcome: Outcome): Promise<void> {
    await this.#file.append(sealLine({ done: id, key, ...outcome }))
    await this.refresh()
  }

  /** Reads what others have added. */
  refresh(): Promise<void> {
    const read = this.#reading.then(async () => {
      for await (const line of this.#file.readOn()) if (line !== '') this.#take(line)
    })
    this.#reading = read.catch(() => {})
    return read
  }

  #take(line: string): void {
    const record = isSealed(`${line}\n`) ? parseObject(line) : null
    if (record?.format === format) return
    if (!record || !isText(record.key) || !(this.#takeSent(record) || this.#takeDone(record))) this.damaged++
    if (this.#answers.size + this.#invalid.size > limits.judgedTextsMax)
      throw new HeadraceError(
        'limit',
        `${this.path} has answers on more than ${limits.judgedTextsMax} texts, which are held in memory: judge a smaller sample`,
      )
  }

  #takeSent({ sent, tokens }: Fields): boolean {
    if (typeof sent !== 'string' || !isCount(tokens) || this.#pending.has(sent)) return false
    if (this.#before.has(sent)) this.#before.set(sent, this.#spent)
    this.#pending.set(sent, tokens as number)
    this.#add(1, tokens as number)
    return true
  }

  #takeDone({ done, key, values, invalid, failed, unsent, tokens }: Fields): boolean {
    if (typeof done !== 'string' || typeof key !== 'string' || !(unsent === true || isCount(tokens))) return false
    const reserved = this.#pending.get(done)
    this.#pending.delete(done)
    if (unsent === true) this.#add(reserved === undefined ? 0 : -1, -(reserved ?? 0))
    else this.#add(reserved === undefined ? 1 : 0, (tokens as number) - (reserved ?? 0))
    if (isAnswer(values, this.#terms.rubric)) this.#answers.set(key, values)
    else if (typeof invalid === 'string')
      this.#invalid.set(key, { times: this.findInvalid(key).times + 1, reason: invalid })
    else return unsent === true || typeof failed === 'string'
    return true
  }

  #add(requests: number, tokens: number): void {
    this.#spent = { requests: this.#spent.requests + requests, tokens: this.#spent.tokens + tokens }
  }
}

const sealLine = (content: object) => sealJson(content).trimEnd()
