/** Kinds of personal data, as numbers. */
export const piiKinds = Object.freeze({ email: 1, ipv4: 2, ipv6: 3, phone: 4, card: 5, iban: 6, secret: 7 })

/**
 * What stands in a span's place, by kind. E-mail and IPv4 as datatrove 0.10 (`example` domains are reserved by RFC 2606; its IP
 * list answered no ping when it was made); IPv6 for documentation (RFC 3849); a phone number set apart for fiction; of cards, accounts
 * and keys what nobody has, as the examples of documentation are also found where the real ones are. A found text that is one of these is
 * no span, so masking twice changes nothing.
 */
export const piiPlaceholders: Readonly<Record<number, readonly string[]>> = Object.freeze({
  [piiKinds.email]: ['email@example.com', 'firstname.lastname@example.org'],
  [piiKinds.ipv4]: [
    '22.214.171.124',
    '126.96.36.199',
    '188.8.131.52',
    '184.108.40.206',
    '220.127.116.11',
    '18.104.22.168',
  ],
  [piiKinds.ipv6]: ['2001:db8::1'],
  [piiKinds.phone]: ['555-0100'],
  [piiKinds.card]: ['0000 0000 0000 0000'],
  [piiKinds.iban]: ['XX00 0000 0000 0000 0000'],
  [piiKinds.secret]: ['AKIA0000000000000000'],
})

/** Which kinds are looked for. */
export interface PiiChoice {
  readonly emails: boolean
  readonly ipAddresses: boolean
  readonly phones: boolean
  readonly cards: boolean
  readonly ibans: boolean
  readonly secrets: boolean
}

/** `[start, end)` of `bytes`, of which those from 0x80 on are what `bytes.ts` says. Finders take one, so that no look leaves it. */
export interface PiiText {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** Spans of many texts, flat: start, end, kind. */
export class SpanBuffer {
  values = new Int32Array(96)
  length = 0

  push(start: number, end: number, kind: number): void {
    if (this.length + 3 > this.values.length) {
      const grown = new Int32Array(this.values.length * 2)
      grown.set(this.values)
      this.values = grown
    }
    this.values[this.length++] = start
    this.values[this.length++] = end
    this.values[this.length++] = kind
  }
}
