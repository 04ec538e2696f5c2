import type { PiiText } from './spans.ts'

/**
 * Keys and tokens by the prefixes that their issuers gave them so that they can be found. Lengths are the issuers' own where they say
 * them, and bounded everywhere. A private key's text is taken whole.
 */
const forms = [
  // AWS, DigitalOcean
  '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}',
  'do[oprt]_v1_[0-9a-f]{64}',
  // GitHub, GitLab, npm, PyPI
  'gh[opsru]_[A-Za-z0-9]{36,255}',
  'github_pat_[A-Za-z0-9_]{40,255}',
  'gl(?:pat|dt|rt|ptt|soat)-[\\w-]{20,64}',
  'npm_[A-Za-z0-9]{36}',
  'pypi-[\\w-]{50,255}',
  // Slack, Stripe, SendGrid, Mailgun, Twilio, Telegram
  'xox[abeoprs]-[A-Za-z0-9-]{10,255}',
  '[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}',
  'whsec_[A-Za-z0-9+/]{24,64}',
  'SG\\.[\\w-]{16,32}\\.[\\w-]{32,64}',
  'key-[0-9a-f]{32}',
  '(?:AC|SK)[0-9a-f]{32}',
  '\\d{8,10}:AA[\\w-]{33}',
  // OpenAI, Anthropic, Google, Hugging Face
  'sk-[\\w-]{20,255}',
  'AIza[\\w-]{35}',
  'ya29\\.[\\w-]{20,255}',
  'hf_[A-Za-z0-9]{30,64}',
  // JSON Web Tokens (RFC 7519)
  'eyJ[\\w-]{10,4096}\\.eyJ[\\w-]{10,8192}\\.[\\w-]{10,2048}',
]
const pattern = new RegExp(
  `(?<![\\w-])(?:${forms.join('|')})(?![\\w-])|-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----(?:[^-]|-(?!-)){1,16384}-----END [A-Z ]{0,32}PRIVATE KEY-----`,
  'g',
)

/** Bits a character of a key has at least, by how often each is used. */
const entropyMin = 3
/** Base64 of a private key; what only speaks of one, as code that reads it does, has none. */
const keyText = /[A-Za-z0-9+/]{40}/
/** Of those whose prefix is short, a key has letters of both cases; names joined by hyphens have not. */
const mixed = /[a-z].*[A-Z]|[A-Z].*[a-z]/

/** Where keys and tokens are, in order and apart from each other. */
export function findSecrets({ bytes, start, end }: PiiText): readonly (readonly [from: number, to: number])[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
  const found: (readonly [number, number])[] = []
  for (const { 0: key, index } of text.matchAll(pattern))
    if (isRandom(key)) found.push([start + index, start + index + key.length])
  return found
}

function isRandom(key: string): boolean {
  if (key.startsWith('-----')) return keyText.test(key)
  if (key.startsWith('sk-') && !mixed.test(key.slice(3))) return false
  return /\d/.test(key) && /[A-Za-z]{2}/.test(key) && entropyOf(key) >= entropyMin
}

/** Shannon's entropy of the characters, in bits a character. */
function entropyOf(key: string): number {
  const counts = new Map<string, number>()
  for (const character of key) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / key.length) * Math.log2(count / key.length)
  return bits
}
