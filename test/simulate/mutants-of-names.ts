import { type Mutant, mutant } from './plant-mutant.ts'

/** What goes wrong with what strangers may choose: names of domains, and texts whose hashes meet. */
export const nameMutants: readonly Mutant[] = [
  mutant(
    'two domains may share a folder',
    'shards/folder.ts',
    '    return folder === undefined || this.#shared.has(folder) ? folderOf(domain) : folder\n',
    '    return folder === undefined || this.#shared.has(folder) ? folderBefore(domain) : folder\n',
  ),
  mutant(
    'a name with capitals is a folder as it is',
    'shards/folder.ts',
    'const plain = /^[a-z0-9_-][a-z0-9._-]{0,99}$/\n',
    'const plain = /^[a-z0-9_-][a-z0-9._-]{0,99}$/i\n',
  ),
  mutant(
    'which domains are kept apart begins anew with each start',
    'run/decide/slot-counts.ts',
    'new NameLimit(Object.keys(totals.byDomain))',
    'new NameLimit([])',
  ),
  mutant(
    'only domains of kept documents count as those that came first',
    'run/decide/slot-counts.ts',
    '      const name = limit.of(own)\n      if (name !== own)',
    '      const name = kept.includes(row) ? limit.of(own) : own\n      if (name !== own)',
  ),
  mutant(
    'every object has some of the domains that are counted',
    'record/totals.ts',
    '  return Object.create(null) as Record<string, T>\n',
    '  return {} as Record<string, T>\n',
  ),
  mutant(
    'every object has some of the domains that a step names',
    'feed/plan/planner.ts',
    '  return Object.create(null)\n',
    '  return {}\n',
  ),
  mutant(
    'a shingle is a hash of 32 bits',
    'text/likeness/shingles.ts',
    '    high[i] = highHash\n',
    '    high[i] = lowHash\n',
  ),
  {
    name: 'exact duplicates are those of 32 bits of a hash',
    changes: [
      {
        file: 'decide/exact-duplicates.ts',
        from: 'view().getUint32(row * 16 + 4, true)',
        to: '0 * row',
      },
      {
        file: 'decide/exact-duplicates.ts',
        from: '          for (let i = 0; i < 8; i++) if (item[i] !== hashes.bytes[row * 16 + 8 + i]) return true\n',
        to: '',
      },
    ],
  },
]
