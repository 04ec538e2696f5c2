import { type Mutant, mutant } from './plant-mutant.ts'

/** What goes wrong where documents become samples. */
export const packingMutants: readonly Mutant[] = [
  mutant(
    'a sample whose gap was filled is taken apart',
    'feed/plan/fill-gaps.ts',
    '    if (gaps.isFed(sample)) continue\n',
    '',
  ),
  mutant('more documents are cut than may be', 'feed/plan/fill-gaps.ts', '    cutsLeft -= fitting\n', ''),
]
