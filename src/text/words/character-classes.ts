import { markRuns } from '../code-points.ts'

/**
 * The sets of code points that spaCy 3.8.18 (MIT, Explosion) names in its English punctuation rules, and the Unicode 14.0
 * categories that Python 3.11 asks for there. Written down as tables, so that words do not change with the JavaScript engine.
 */

/** spaCy's ALPHA_LOWER: lower-case letters and letters of scripts without case. */
export const LOWER = 1
/** ALPHA_UPPER: upper-case letters and letters of scripts without case. */
export const UPPER = 2
/** ALPHA: both, and a few title-case letters. */
export const ALPHA = 4
/** Cut off at the start of a chunk. */
export const PREFIX = 8
/** Cut off at the end of a chunk. */
export const SUFFIX = 16
/** Cut out of the middle of a chunk whatever is beside it: ellipsis, symbols, emoji. */
export const INFIX = 32
/** CONCAT_QUOTES. */
export const QUOTE = 64
/** A full stop that follows one of these is cut off. */
export const BEFORE_STOP = 128
/** Unicode category P. */
export const PUNCTUATION = 256
/** The sentencizer's `punct_chars`. */
export const SENTENCE_END = 512

const runs = {
  [LOWER | UPPER | ALPHA | BEFORE_STOP]: `13l.2s 17.17 z.2w f.r 28.1c 80.u 1u.74 ao.ao 3k.3k lc.hs 5c0.9s g.7k 5c.1c
g.5hc 1s.g74 2dc.8mo 6kw.e8 t.45 x.a3 i.3c 14.c 1g.w w.3x 1b7n.58 n8.74 2kg.wyo w.dm8 2ds.f4`,
  [LOWER | ALPHA | BEFORE_STOP]: `2p.q 2s.o 1.8 1*s 0*9 0*o 2*3 0.2 2 1 2 3.2 4 2 3.3 2 2*3 2 1.2 1 2 3 1 2.2 2.3 6 2
2*9 0*a 0 2 1 3*u 0.6 2 2.2 1 4*5 0.2o 70.4 1.p 2.3 2p.y 1.8 1.2 1f 5 b b b t f 4ra.12 1x.d 1.y 2u*23 0.8 1*1d 2n5 3.2
1*3 4 1.2 1.6 o87*7 0.2 1*w 0.7 1 1 2*5 4 1 2 1.3 1*a 5 5*3 1s mt.17 5.5 gkc.q`,
  [UPPER | ALPHA]: `1t.q 2t.n 1.7 x*s 2*8 2*o 0*3 3.2 1 1.2 1.3 2.4 1.2 1.3 3.2 1.2 1*3 0 1 2 1.2 1.3 1 1.2 3 7 2 2
2*8 2*9 2 2 1.3 1*t 7.2 1.2 2 1.4 1*4 8n 1.3 1 1.2 1.p 2e.2 1.8 1.2 2.w 2o 5 b b b t f 4yf*23 9*1d 2n5 1.3 2*4 0.3 1 2
8.2 o82*7 3*v a*3 0*5 4 1 2 1 3*b 0.4 1.5 1 1 h9k.q`,
  [PREFIX | SUFFIX | INFIX]: `4m 2 4 1 r5 7e.2 3j.2 5q a j.2 6v eb ad 3m.6 1 3o 5r 15 av.3 f 1.3 2.6 k*3 3p.8 1.6 1.2
5.4 5h.2 kw.a 146 4d.y 9t.a 9.9 137.2 1.4 1.2 a 1.2 6.6 1*3 4 b.2 e 1.2 1 1m.2 9.5 2.4 1.2 1.2 1.7 1.v 2.2 1 1.v 7g.8
4.k 2.7 2.29 1.u p.14 6.1x p.b 29.26 m.53 1.9 1.1i 8.33 1.6w 18.18 1s.74 e8.1c l.2 6.13 2.w 2.1d 1.1h 6e.6 b9.q 1.2h
c.5y q.c 8 d.2 c l.2 6.2 9c.2 4.a w.10 s.v b.u 8 f.w a.13 f.1r 1.74 534.1s h3k.1j o1.4 a.2 1 fx.3 ghv di 3 4.2 d.2
8p.9 1l.h 2.3 1.c 4 1b.19 1a2.2 gf 2gm gl8.4 5 g2e 3tv.6u a.13 2.1o 5.3 m.2 7.u 4.1n n.1u 3 56.2f x5.e8 1j.4 1e.8 1.e
1.2 3l1 nn.18 4.2s c.f 2.f 1.f 1.11 q.2k 4.1p 1l.t d.18 4.9 7.2 e.6 4a.6z 5.k5 b.d 3.a 6.38 c.2h 13.c 4.1k 8.a 6.14
8.u 2a.c 4.1b 1.1d 2.4 3 1.13 d.a 6.3 d.1c 2o.e`,
  [PREFIX]: '10 3i 1 2op 3mo.w 17p8',
  [PUNCTUATION]: `x.3 1.6 1.4 a.2 3.2 q.3 1 r 1 z 5 3 a.2 3 3 ji 8 cy.6 15.2 1f 1 2 2 18.2 k.2 1.2 d 1.3 22.4 2u 17.e
6h.3 1i.f v 79.2 a 3w 3c 3d au c a7 2i a.2 4o.f 1 11.4 1z 22.5 4.2 33.6 4r h0.9 47 h9 18.2 26.3 1z.2 4d.3 1.3 11.b
8p.2 60.2 3k.7 1.6 4s.7 s.2 3h.4 1n.5 1q.2 1s.8 b n0.o 8.k 1.d 1.c u.2 e.2 hl.4 t.2 u5.e 27.2 v.a b7.m 1r.4 w.2 l7.4
1.2 34 3z.1b 1.w 2.c bn.3 4.a 2.c g c 2q 2i mwy.2 7h.3 2r a 37.6 ak.4 2e.2 14.3 1 1d.2 1b 2p.d g.2 3g.4 3i.2 g.2 6x
g2a.2 5s.a m.z 1.e 1 4 1.2 45.3 1.6 1.4 a.2 3.2 q.3 1 r*3 0.6 be.3 ik 1c bi kn 5j v 7k.9 12 34.7 1u.7 2h.4 ls 4n.5
18.4 59.7 31.2 1.4 3i.4 1c.2 27.4 4 d 1.3 2g.6 2z bl.5 a.2 1 2w 6y.n 2x.3 s.d 24 3m.3 70 7c.3 4b 2k.8 2b.3 1.5 bi.5
16.2 hx.2 7a vk.5 29o.2 bjv.2 3p 1t.5 8 nm.4 93 f5o 5wn.5 2xe.2`,
  [SENTENCE_END]: `x c g 11l 45 50 17.3 6u a2.2 1d0.2 ly 4.2 lh 5i.2 5o 5 8q.2 9u.4 4u.2 2.2 63.2 1t.2 qk.2 9.3 2qs d
cl n3w 7i.2 6b 3 am.2 2e.2 2n 48.2 43.3 40.2 6x g9y 3.2 4p c g 1t 25w.2 167.2 39.4 3j.3 3l.2 6 g.2 2g.2 1.2 30 bl.2
ad.2 5.f 2x.2 6x.3 lf.2 2f.2 bo.2 ffv.2 3p 1t.2 b g2i 5wo`,
}

const characters: readonly (readonly [classes: number, characters: string])[] = [
  [ALPHA, 'ƻǅǈǋǲ'],
  [PREFIX | SUFFIX | BEFORE_STOP, ',:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪'],
  [PREFIX | SUFFIX | BEFORE_STOP | INFIX, '…'],
  [PREFIX | SUFFIX | BEFORE_STOP | QUOTE, '\'"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉\u2329\u232a⟦⟧'],
  [PREFIX | SUFFIX, '—–'],
  [PREFIX, '§%='],
  [BEFORE_STOP, '0123456789%²-+|'],
]

/** The classes of every code point, as bits. */
export const classesOf: Uint16Array = buildClasses()

function buildClasses(): Uint16Array {
  const classes = new Uint16Array(0x110000)
  markRuns(classes, runs)
  for (const [bits, text] of characters) for (const character of text) classes[character.codePointAt(0)!] |= bits
  return classes
}
