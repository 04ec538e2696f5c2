import { markRuns } from './code-points.ts'

/**
 * Which of the classes that the pre-tokenizers' patterns tell apart a code point belongs to: the general categories L, M and N
 * and the property White_Space of Unicode 16.0.0, the version of the Rust crate regex-syntax 0.8.11 in tiktoken 0.14.0. The
 * table was read out of that crate by matching every code point, so token ids follow tiktoken and not the JavaScript engine.
 */

/** Lu, Lt. */
export const UPPER = 1
/** Ll. */
export const LOWER = 2
/** Lm, Lo: letters without case. */
export const CASELESS = 4
/** M. */
export const MARK = 8
/** N. */
export const NUMBER = 16
/** White_Space, with CR and LF. */
export const SPACE = 32
/** CR, LF; always together with SPACE. */
export const NEWLINE = 64
/** Everything else, unassigned code points and bytes that are not UTF-8 too. */
export const OTHER = 128

const runs = {
  [UPPER]: `1t.q 2t.n 1.7 x*s 2*8 2*o 0*3 3.2 1 1.2 1.3 2.4 1.2 1.3 3.2 1.2 1*3 0 1 2 1.2 1.3 1 1.2 3 7.2 1.2 1.2 1*8
2*9 2.2 1 1.3 1*t 7.2 1.2 2 1.4 1*4 81 1 3 8 6 1.3 1 1.2 1.h 1.9 z 2.3 3*c 5 2 1.2 2.1f 1c*h 9*s 0*7 2*1c 2.12 289.12
1 5 k2.2e 1oz 6.17 2.3 8w*23 9*1d 9.8 8.6 a.8 8.8 8.6 b*4 8.8 o.8 8.8 8.8 8.5 b.5 b.4 c.5 b.5 79 4 3.3 2.3 2 3.5 6*4
0.3 2.4 a.2 5 1p 22k.1c 1c 1.3 2*4 0.3 1 2 8.3 1*1d 8 1 4 nyl*n j*e 3r*7 3*v a*3 0*5 4 1 2 1 3*b 0.4 1.5 1*8 0.3 1 1.2
3 5*4 o h7v.q xx.14 3s.10 4c.b 1.f 1.7 1.2 1d6.1f 4d.m 27u.w gw0.w k2o.q q.q q.q q 1.2 2 2.2 2.4 1.8 q.q q.2 1.4 2.8
1.7 r.2 1.4 1.5 1 3.7 r.q q.q q.q q.q q.q q.q u.p x.p x.p x.p x.p x 3ed.y`,
  [LOWER]: `2p.q 1m 15.o 1.8 1*s 0*9 0*o 2*3 0.2 2 1 2 3.2 4 2 3.3 2 2*3 2 1.2 1 2 3 1 2.2 2.3 6 2 2*9 0*a 0 2 1 3*u
0.6 2 2.2 1 4*5 0.1w 1.r 5d 1 3 3.3 i r.z 1.2 3.3 1*c 0.4 1 2 2.2 1f.1c 1*h 9*r 2*7 0*1d 1c.15 287.17 2.3 l4.6 1oi.9 1
39.18 1r.d 1.y 2u*23 0.8 1*1d 0.8 8.6 a.8 8.8 8.6 a.8 8.8 8.e 2.8 8.8 8.8 8.5 1.2 6 3.3 1.2 8.4 2.2 8.8 a.3 1.2 7m 3.2
3 r 4 4 2.2 8.4 4 1h 23v.1c 1 3.2 1*3 4 1.2 1.6 5*1e 0 7 1 4 c.12 1 5 nwz*n j*e 3r*7 0.2 1*w 0.7 1 1 2*5 4 1 2 1.3 1*a
5 5*8 4 1 2 3*6 q 3 mt.17 5.9 7.28 fnk.7 c.5 tl.q y5.14 3s.10 4b.b 1.f 1.7 1.2 1dv.1f 3h.m 27u.w gw0.w k2i.q q.7 1.i
q.q q.4 1 1.7 1.b q.q q.q q.q q.q q.q q.q q.q q.q q.s s.p 1.6 q.p 1.6 q.p 1.6 q.p 1.6 q.p 1.6 1 1f8.a 1.k 6.6 1yv.y`,
  [CASELESS]: `4q f 74 4.4 5s r.i 4.c e.5 7 1 3p 5 da 3a.r 4.4 19.17 z.2 1.2r 1 f.2 7.2 a.3 2 g 1.u t.2h b o.x 9.2 4
5.m 4 9 3 n.p 7.b 5.o 1.6 h.16 1m.1i 3 i 7.a f.g 4.8 2.2 2.m 1.7 1 3.4 3 g d.2 1.3 e.2 a 8.6 4.2 2.m 1.7 1.2 1.2 1.2
v.4 1 j.3 g.9 1.3 1.m 1.7 1.2 1.5 3 i f.2 n b.8 2.2 2.m 1.7 1.2 1.5 3 u.2 1.3 f h 1.6 3.3 1.4 3.2 1 1.2 3.2 3.3 3.c m
1g.8 1.3 1.n 1.g 3 q.3 2 2.2 u 4.8 1.3 1.n 1.a 1.5 3 v.2 1.2 f.2 h.9 1.3 1.15 2 g 5.3 8.3 o.6 5.i 3.o 1.9 1 2.7 1m.1c
1.2 c.7 1m.2 1 1.5 1.o 1 1.a 1.2 9 2.5 1 l.4 w 1r.8 1.10 r.5 37.17 k g.6 4.4 3 3.2 7.3 4.d c 31 3.95 1.4 2.7 1 1.4
2.15 1.4 2.x 1.4 2.7 1 1.4 2.f 1.1l 1.4 2.1v 11.g 35.h8 2.h 1.q 5.23 6.8 7.i d.j e.i e.d 1.3 f.1g z 4 1v.2h 7.5 2.y 1
5.1y a.v 1d.u 2.5 b.18 4.q 1i.n 9.1h 2a 2l.1b h.8 1i.u d.2 a.18 q.10 15.3 a.10 2z.4 1.6 1.2 3 1d.1r d y.11 j5 d g.d
48.4 283.2 4y.1k 7 g.n 9.7 1.7 1.7 1.7 1.7 1.7 1.7 1.7 28 d1.2 16.5 5.2 4.2e 6.3 1.2i 1.4 5.17 1.2m h.w 1c.g e8.534
1s.h3h 1v.1a 2.7h 3.g a.2 1u g s.2 2.1y 1d.9 28 n 6 2q.3 2.3 1.7 1.3 1.4 1.n t.1g e.1e 1q.6 3 1.2 b.s a.n p.t 7.1b s
g.5 1.a a.5 1.15 n.3 1.8 k.n 3 3.1e 1 3.2 2.5 2 1 o.3 2.b 7.3 c.6 2.6 2.6 9.7 1.7 19.4 9 2e.z t.8mc c.n 4.1d 6is.a6
2.2y 1v 1.a 1.d 1.5 1 1.2 1.2 1.30 x.a3 i.1s 2.1i 14.c 38.5 1.3r 2x.2h 3.6 2.6 2.6 2.3 z.c 1.q 1.j 1.2 1.f 2.e y.3f
at.t 3.1d 1b.w d.k 1.8 6.12 a.u 2.10 4.8 3k.26 2q.14 8.1g 2k.1g c.8n 9.m a.8 o.6 1.16 1.9 1x.6 2 1.18 1.2 3 2.n a.n
9.v 1t.j 1.2 a.m a.q 1y.1k 6.2 1s f.4 1.3 1.t 16.t 3.t z.8 1.s r.1i a.m a.j d.i 32.21 53.10 12.6 v 7k.16 6.2 g.3 1n.t
a 8.m 16.i 1a.l r.n c.1h 1l.2 2 d.19 w.p q.10 t 2 8.z 3 c.1c e.4 l 1 z.i 1.p j.2 1r.7 1 1.4 1.f 1.a 7.1b 12.8 2.2 2.m
1.7 1.2 1.5 3 i c.5 u.a 1 2 1.12 1 p 1 18.1h i.4 k.3 u.1c k.2 1 54.1b 15.4 10.1c k 1n.17 d 1z.r 11.7 55.18 5v.8 2 2.8
1.2 1.o f 1 2m.8 2.13 g 1 s a.14 7 l b.1a j i.21 5j.x v.9 1.11 h 1d.u 34.7 1.2 1.12 l p.6 1.2 1.w e 93.j f 1.d 1.y 3g
27.pm 6e.5g 218.2p f.ts h.6 p.32z 5.g7 5a1.u 1cy.ft 7.v h.27 h.u i.1c g.4 v.l 5.j c0.19 b7.23 5 1u.d 1s.2 1 s.4qg 8.ye
15.a 6w7.4 1.7 1.2 1.83 f t.3 2 e.4 8.b0 1s4.2z 5.d 3.9 7.a 6sw 85.1q 42.19 a.7 g 8x.u i.18 dg.s 6c.u 2 dr.7 1.4 1.2
1.f 1.5h 3q xg.4 1.r 1.2 1 2 1.a 1.4 1 1 6 4*4 0.2 1.2 1 2*6 0 1 2.4 1.7 1.4 1.4 1 1.a 1.h 5.3 1.5 1.h 3es.wyo w.37e
6.66 2.4g2 e.5rl f.ha 1wi.f2 15u.3t7 5.38g`,
  [MARK]: `lc.34 7n.7 7b.19 1 1.2 1.2 1 20.b 1c.l g 2t.7 2.6 2.2 1.4 z u.r 2j.b 1m.9 9 o.4 1.9 1.3 1.5 17.3 1n.9 16.o
1.x 1i.3 1.i 1.7 a.2 t.3 1k 1.7 2.2 2.3 9 a.2 q 2.3 1k 1.5 4.2 2.3 3 u.2 3 b.3 1k 1.8 1.3 1.3 k.2 m.6 1.3 1k 1.7 2.2
2.3 7.3 a.2 u 1n.5 3.3 1.4 9 14.5 1j 1.7 1.3 1.4 7.2 b.2 t.3 1k 1.7 1.3 1.4 7.2 b.2 f c.4 1j.2 1.7 1.3 1.4 9 a.2 t.3
1y 4.6 1 1.8 i.2 1p 2.7 c.8 2q 2.9 b.7 21.2 r*3 4.2 1d.k 1.2 5.b 1.10 9 2s.k n.4 4.3 1.3 2.7 3.4 d.c 1 a.4 jj.3 qa.4
s.3 t.2 u.2 1s.w 9 19.3 1 39.2 y 3a.c 4.c 63.5 1l.a 1.t 2 1c.v 1d.5 1b.h 12.9 c.3 u.d 1k.e 1c.k 48.3 1.l 4 6 2.3 5i.1s
k0.x 2da.3 3x 2o.w fe.6 2x.2 n9w.4 1.a w.2 28.2 7k 3 4 n.5 4 2b.2 1e.i q.i d 12.8 p.d 18.4 1b.e 10 1v.e c 8.2 19.3 1e
1.3 2.2 5.2 1 15.5 5.2 6k.8 1.2 fn4 kh.g g.g r1 6a 45.5 1ae.3 1.2 5.4 14.3 4 4l.2 fx.4 1t.5 8t.2 27.4 1y.b 1d.4 3e.3
1h.f 15 2.2 a.4 19.b 7 1p.3 10.e g.2 18 c.3 1c.e 8.4 1.2 2k.c 6 2 4d.c l.4 1j.2 1.7 2.2 2.3 9 a.2 2.7 3.5 1v.9 1 2 1.4
1.5 1 e.2 2a.i n 29.k 6j.7 2.9 r.2 2a.h 2y.d 2t.f 74.f 6t.6 1.2 2.4 1 1.2 3x.7 2.7 3 s.a 14.7 1.4 8 9.b 1a.g b9.8 1.8
2a.m 1.e 3e.6 3 1.2 1.7 1 1u.5 1.2 1.5 9n.4 9.2 1 1c.7 3.5 n 44l 6.f 8ug.i 1xc.5 1n.7 t4 1.1j 7.4 29 b.2 f57.2 3mp.1a
2.n f2.5 3.6 8.8 2.7 u.4 44.3 1iz.1j 4.1e 8 e m.5 1.f 11s.7 1.h 2.7 1.2 1.5 2s 4g.7 af 1p.4 e4.4 72.2 kg.7 31.7
gzhx.6o`,
  [NUMBER]: `1c.a 3c.2 5 2.3 141.a 3q.a 5i.a bg.a 3a.a 4.6 30.a 3a.a 3a.a 2.6 32.d 37.a 8.7 2v.a 2w.7 7.j 31.a 2o.a
3a.a 1y.k 7g.a 1y.a jz.k oh.3 6n.a 6.a m.a 8c.a 3k.b 4l.a 6.a 52.a 2e.a 3q.a 6.a t2 3.6 6.a 5i.1f 2.5 k6.1o 26.m hi.u
12h ll p.9 e.3 9j.4 3u.a u.8 1.f w.a 13.f msg.a 58.a 8w.6 4a.a 12.a 5i.a m.a 2e.a ba.a geu.a dp.19 c.1l h.2 9h.r 10.4
t 8 3q.5 5m.a q6.8 p.7 13.9 23.5 m.6 4g.2 2.g 2.1a 1s.9 1g.2 u.3 23.5 2w.8 o.8 15.7 96.6 1c.a 6.a 7q.v 4e.a 16.4 34.7
3q.u 3k.a 1o.a 40.a 7.k 6z.a 9i.a 3a.a ae.a 2u.a 6.k 24.c bo.j 2l.a ie.a 2e.t 6b.a 1y.a bq.a 2u.l tn.33 c01.a 1t2.a
2e.a 3q.a 1.7 em.a 7a.n imx.a 152.k c.k 30.p ut.1e 1ts.a bq.a dy.a 6v.a jw.9 3k.a lz.1n 1.3 1.4 24.19 1.f qq.d 25f.a`,
  [SPACE]: '9.5 i 2s q 4bj 1vj.b t.2 5 1b 334',
  [NEWLINE]: 'a 2',
}

/** A code point of 21 bits has its class at `classPages[(classPageOf[point >> 8] << 8) | (point & 255)]`. */
export const { classPageOf, classPages } = buildPages()

/** Equal pages of 256 classes are stored once, in the order of code points: those below 256 have the first. */
function buildPages(): { classPageOf: Uint8Array; classPages: Uint8Array } {
  const classes = Buffer.alloc(0x110000)
  markRuns(classes, runs)
  const numbers = new Map<string, number>()
  const pages = classes.length >> 8
  const classPageOf = new Uint8Array(1 << 13)
  for (let page = 0; page < pages; page++) {
    const key = classes.toString('latin1', page << 8, (page + 1) << 8)
    if (!numbers.has(key)) numbers.set(key, numbers.size)
    classPageOf[page] = numbers.get(key)!
  }
  // Bytes that are not UTF-8 may spell a number beyond the last code point; what is there is like the last plane's end, unassigned.
  classPageOf.fill(classPageOf[pages - 1], pages)
  const classPages = Uint8Array.from(Buffer.from([...numbers.keys()].join(''), 'latin1'))
  for (let i = 0; i < classPages.length; i++) classPages[i] ||= OTHER
  return { classPageOf, classPages }
}
