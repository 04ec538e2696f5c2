const specials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM0123456789αβγσςΣжзийёが。中文字漢𠀀ᄒ각กखا']
const words = ['the', 'mill', 'Mill', 'river', 'un', 'able', 'cafe', 'café', 'ing', 'water', 'fold', 'Stra', 'ße', 'ss']
const signs = [...'!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~…—«»、。¿€·']

/** A small vocabulary, in which most words have several cuts and some none. */
export const vocabulary = [
  ...specials,
  ...[...letters, ...words, ...signs],
  ...[...letters, ...words].map(piece => `##${piece}`),
  '',
].join('\n')

/** Ranges whose characters have been what they are since long, of all kinds that the rules tell apart. */
const ranges: [first: number, last: number][] = [
  [0x20, 0x7e],
  [0x20, 0x7e],
  [0x01, 0x24f],
  [0x300, 0x36f],
  [0x370, 0x377],
  [0x391, 0x3c9],
  [0x400, 0x45f],
  [0x5d0, 0x5ea],
  [0x621, 0x652],
  [0x904, 0x94d],
  [0xe01, 0xe3a],
  [0x1100, 0x1112],
  [0x1e00, 0x1eff],
  [0x1f00, 0x1f15],
  [0x2000, 0x2063],
  [0x2100, 0x2138],
  [0x3000, 0x30ff],
  [0x4e00, 0x4e40],
  [0xac00, 0xac40],
  [0xe000, 0xe010],
  [0xf900, 0xf940],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xff01, 0xff60],
  [0xfff9, 0xfffd],
  [0x1d400, 0x1d433],
  [0x1f600, 0x1f64f],
  [0x20000, 0x20010],
  [0x2f800, 0x2f810],
  [0xe0001, 0xe0001],
]

const pick = <T>(random: () => number, list: readonly T[]): T => list[Math.floor(random() * list.length)]

/** A text of words, signs and white space with characters of any kind between them, now and then a word of some hundred characters. */
export function drawText(random: () => number): string {
  const parts = Array.from({ length: Math.floor(random() * 20) }, () => {
    const kind = random()
    if (kind < 0.4) return pick(random, [...words, ...letters])
    if (kind < 0.5) return pick(random, signs)
    if (kind < 0.7) return pick(random, [' ', ' ', '\n', '\t', '\r\n', '\u00a0', '\u2003', '\u3000', '\u2028', '\v'])
    if (kind < 0.72) return pick(random, ['a', 'é', '𝒳', '字']).repeat(95 + Math.floor(random() * 10))
    const [first, last] = pick(random, ranges)
    return String.fromCodePoint(first + Math.floor(random() * (last - first + 1)))
  })
  return parts.join('')
}
