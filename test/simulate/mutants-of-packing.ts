import { type Mutant, mutant } from './plant-mutant.ts'

/** What goes wrong where documents become samples. */
export const packingMutants: readonly Mutant[] = [
  mutant(
    'a sample whose gap was filled is taken apart',
    'feed/plan/fill-gaps.ts',
    '    if (gaps.isFed(sample)) continue\n',
    '',
  ),
  mutant(
    'the padding that aligns a piece takes no room',
    'feed/plan/pack.ts',
    'place.put(roomOf(take, align))',
    'place.put(take)',
  ),
  mutant(
    'a piece that ends a document has a target behind it',
    'feed/files/bind.ts',
    'end < addresses.ends[document] ? tokens[end] : -1',
    'end < tokens.length ? tokens[end] : -1',
  ),
  mutant(
    'the targets of a step leave out those behind cut pieces',
    'feed/read.ts',
    ' - (nextOf(part, piece) === noTarget ? 1 : 0)',
    ' - 1',
  ),
]
