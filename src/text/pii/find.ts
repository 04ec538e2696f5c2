import { equalsAt } from '../bytes.ts'
import { classes, digit, letter, trigger } from './bytes.ts'
import { findCardEnd } from './card.ts'
import { findEmail } from './email.ts'
import { Folder } from './fold.ts'
import { findIbanEnd } from './iban.ts'
import { findIpAddress } from './ip-address.ts'
import { findInternationalEnd, findNationalEnd } from './phone.ts'
import { findSecrets } from './secret.ts'
import { type PiiChoice, type PiiText, piiKinds, piiPlaceholders, type SpanBuffer } from './spans.ts'

const at = 0x40
const plus = 0x2b
const open = 0x28
const close = 0x29

/**
 * Finds personal data in UTF-8 bytes. One pass; at an `@`, a digit or a `+` the bytes around are verified, each of them a bounded number of
 * times, so that hostile text takes no longer. Keys and tokens are found first, and part the text.
 */
export class PiiFinder {
  readonly #choice: PiiChoice
  readonly #folder = new Folder()

  constructor(choice: PiiChoice) {
    this.#choice = choice
  }

  /** Adds the spans of `bytes[start, end)` to `spans`, in order and apart from each other; their offsets count from `start`. */
  find(bytes: Uint8Array, start: number, end: number, spans: SpanBuffer): void {
    const text = this.#folder.fold(bytes, start, end)
    const first = spans.length
    let from = text.start
    for (const [secret, after] of this.#choice.secrets ? findSecrets(text) : []) {
      new Scan({ ...text, start: from, end: secret }, this.#choice, spans).run()
      addSpan(text, secret, after, piiKinds.secret, spans)
      from = after
    }
    new Scan({ ...text, start: from }, this.#choice, spans).run()
    for (let i = first; i < spans.length; i += 3) {
      spans.values[i] = this.#folder.placeOf(text, spans.values[i])
      spans.values[i + 1] = this.#folder.placeOf(text, spans.values[i + 1])
    }
  }
}

/** The placeholders' bytes by kind: they are ASCII, as they stand in a folded text. */
const placeholders = Object.entries(piiPlaceholders).reduce<Uint8Array[][]>((all, [kind, texts]) => {
  all[Number(kind)] = texts.map(text => Buffer.from(text))
  return all
}, [])

/** Adds a span unless it is a placeholder already; returns its end. */
function addSpan({ bytes }: PiiText, from: number, to: number, kind: number, spans: SpanBuffer): number {
  const isPlaceholder = placeholders[kind].some(text => text.length === to - from && equalsAt(text, 0, bytes, from, to))
  if (!isPlaceholder) spans.push(from, to, kind)
  return to
}

/** One pass over a text. Spans are places of `text.bytes`. */
class Scan {
  readonly #text: PiiText
  readonly #choice: PiiChoice
  readonly #spans: SpanBuffer
  readonly #first: number
  /** Where the last IP address ended. */
  #address = -1

  constructor(text: PiiText, choice: PiiChoice, spans: SpanBuffer) {
    this.#text = text
    this.#choice = choice
    this.#spans = spans
    this.#first = spans.length
  }

  run(): void {
    const { bytes, start, end } = this.#text
    for (let i = start; i < end; ) {
      const byte = bytes[i]
      if ((classes[byte] & trigger) === 0) {
        i++
        continue
      }
      const next = byte === at ? this.#takeEmail(i) : this.#takeNumber(i)
      if (next > i) i = next
      else for (i++; classes[byte] & digit && i < end && classes[bytes[i]] & digit; ) i++
    }
  }

  #takeEmail(i: number): number {
    const found = this.#choice.emails ? findEmail(this.#text, i) : null
    if (found === null) return -1
    const [from, to] = found
    const spans = this.#spans
    // An address may begin with what looked like a number; another address before it stays.
    while (spans.length > this.#first && spans.values[spans.length - 2] > from) {
      if (spans.values[spans.length - 1] === piiKinds.email) return -1
      spans.length -= 3
    }
    return addSpan(this.#text, from, to, piiKinds.email, spans)
  }

  #takeNumber(i: number): number {
    const { bytes, start } = this.#text
    const isSigned = bytes[i] === plus
    const iban = !isSigned && this.#choice.ibans && classes[bytes[i - 1]] & letter ? findIbanEnd(this.#text, i) : -1
    if (iban > 0) return addSpan(this.#text, i - 2, iban, piiKinds.iban, this.#spans)
    const card = !isSigned && this.#choice.cards ? findCardEnd(this.#text, i) : -1
    if (card > 0) return addSpan(this.#text, i, card, piiKinds.card, this.#spans)
    if (this.#choice.phones) {
      const to = isSigned ? findInternationalEnd(this.#text, i) : findNationalEnd(this.#text, i)
      const isOpened = to > 0 && bytes[i + 3] === close && i > start && bytes[i - 1] === open
      if (to > 0) return addSpan(this.#text, isOpened ? i - 1 : i, to, piiKinds.phone, this.#spans)
    }
    return this.#choice.ipAddresses && !isSigned ? this.#takeAddress(i) : -1
  }

  #takeAddress(i: number): number {
    const found = findIpAddress(this.#text, i, this.#address)
    if (found === null) return -1
    this.#address = found.to
    if (found.isPublic) return addSpan(this.#text, i, found.to, piiKinds[found.kind], this.#spans)
    return found.to
  }
}
