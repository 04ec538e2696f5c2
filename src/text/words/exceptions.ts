/**
 * The chunks that spaCy 3.8.18 (MIT, Explosion; `lang/en/tokenizer_exceptions.py`) splits, or keeps whole, by a list: English
 * contractions, abbreviations, times of day and emoticons.
 */

const apostrophe = "'"
const curlyApostrophe = '’'

/** Stems and the endings that each of them takes; `|` is a split. Stems come in lower and in title case. */
const contractions: readonly (readonly [stems: string, endings: string])[] = [
  ['i', "'m 'm|a"],
  ['i you he she it we they', "'ll 'll|'ve 'd 'd|'ve"],
  ['i you we they', "'ve"],
  ['you we they', "'re"],
  ['he she it', "'s"],
  ['who what when where why how there that this these those', "'ll 'll|'ve 'd 'd|'ve"],
  ['who what when where why how there that this', "'s"],
  ['who what when where why how there these those', "'re 've"],
  ['ca could do does did had may might must need ought sha should wo would', "n't n't|'ve"],
  ['could might must should would', "'ve"],
  ['ai are is was were have has dare', "n't"],
]

/** Contractions without their apostrophe that are words of their own. */
const words = new Set('Ill ill Its its Hell hell Shell shell Shed shed were Were Well well Whore whore'.split(' '))

const others = `
y'|all y|all how|'d|'y How|'d|'y not|'ve not|ve Not|'ve Not|ve can|not Can|not gon|na Gon|na got|ta Got|ta let|'s Let|'s
c'm|on C'm|on °|c|. °|f|. °|k|. °|C|. °|F|. °|K|.

doin doin' Doin Doin' goin goin' Goin Goin' nothin nothin' Nothin Nothin' nuthin nuthin' Nuthin Nuthin' ol ol' Ol Ol'
somethin somethin' Somethin Somethin' lovin lovin' Lovin Lovin' havin havin' Havin Havin' em 'em ll 'll nuff 'nuff
' '' 'S 's ‘S ‘s 're 'd 'Cause 'cause 'cos 'Cos 'coz 'Coz 'cuz 'Cuz 'bout ma'am Ma'am o'clock O'clock and/or w/o

Mt. Ak. Ala. Apr. Ariz. Ark. Aug. Calif. Colo. Conn. Dec. Del. Feb. Fla. Ga. Ia. Id. Ill. Ind. Jan. Jul. Jun. Kan. Kans. Ky.
La. Mar. Mass. Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Nov. Oct. Okla. Ore. Pa. S.C. Sep. Sept. Tenn.
Va. Wash. Wis. a.m. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. E.g. E.G. Gen. Gov. i.e. I.e. I.E. Inc. Jr. Ltd. Md. Messrs. Mo.
Mont. Mr. Mrs. Ms. p.m. Ph.D. Prof. Rep. Rev. Sen. St. vs. v.s. C++ <space> \\t \\n — \\")
a. b. c. d. e. f. g. h. i. j. k. l. m. n. o. p. q. r. s. t. u. v. w. x. y. z. ä. ö. ü.

:) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) (-8 ;) ;-) (; (-; :( :-( :(( :-(( :(((
:-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ =/ =_PIPE_ :_PIPE_ :-_PIPE_ ]= =[ :1 :P :-P :p :-p :O :-O :o :-o :0 :-0 :() >:o
:* :-* :3 :-3 =3 :> :-> :X :-X :x :-x :D :-D ;D ;-D =D xD XD xDD XDD 8D 8-D ^_^ ^__^ ^___^ >.< >.> <.< ._. ;_; -_- -__- v.v
V.V v_v V_V o_o o_O O_o O_O 0_o o_0 0_0 o.O O.o O.O o.o 0.0 o.0 0.o @_@ <3 <33 <333 </3 (^_^) (-_-) (._.) (>_<) (*_*) (¬_¬)
ಠ_ಠ ಠ︵ಠ (ಠ_ಠ) ¯\\(ツ)/¯ (╯°□°）╯︵┻━┻ ><(((*>
`

/** Every exception as its words, which concatenated are the chunk. */
export function listExceptions(): readonly (readonly string[])[] {
  const all = new Map<string, readonly string[]>()
  const add = (split: string) => {
    const parts = split.split('|').map(part => part.replace('_PIPE_', '|'))
    if (!words.has(parts.join(''))) all.set(parts.join(''), parts)
  }
  for (const split of [...listContractions(), ...listTimes(), ...others.trim().split(/\s+/)]) {
    add(split)
    if (split.includes(apostrophe)) add(split.replaceAll(apostrophe, curlyApostrophe))
  }
  return [...all.values()]
}

function listContractions(): string[] {
  return contractions.flatMap(([stems, endings]) =>
    stems
      .split(' ')
      .flatMap(stem => [stem, stem[0].toUpperCase() + stem.slice(1)])
      .flatMap(stem => endings.split(' ').flatMap(ending => joinEnding(stem, ending))),
  )
}

function joinEnding(stem: string, ending: string): string[] {
  const split = `${stem}|${ending}`
  return [split, split.replaceAll(apostrophe, '')]
}

function listTimes(): string[] {
  const hours = Array.from({ length: 12 }, (_, hour) => `${hour + 1}`)
  return hours.flatMap(hour => ['a.m.', 'am', 'p.m.', 'pm'].map(half => `${hour}|${half}`))
}
