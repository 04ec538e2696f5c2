import { type Mutant, mutant } from './plant-mutant.ts'

/** What goes wrong where the input, or the pipeline, is another than a run has met. */
export const inputMutants: readonly Mutant[] = [
  mutant(
    'a file that a run has met and that is gone is passed over',
    'run/load/find-splits.ts',
    '  await checkThere(source, missing, known.length)\n',
    '',
  ),
  mutant(
    'an input of which nothing is there is a wrong path',
    'run/load/find-splits.ts',
    '  return isNotFound && missing.length > 0 ?',
    '  return isNotFound && missing.length < 0 ?',
  ),
  mutant(
    'a file that changed between two starts is taken',
    'run/load/find-splits.ts',
    '    else if (was !== split.stamp) throw refuseChanged(split, was)\n    listed.add',
    '    listed.add',
  ),
  mutant(
    'a file is not compared with its stamp when it is opened',
    'sources/files/files.ts',
    '    await stamped.check(split, file)\n',
    '',
  ),
  mutant(
    'what was read of a file is not hashed again when reading goes on',
    'sources/files/witness.ts',
    '    if (witness.seen !== seen)\n',
    "    if (witness.seen === '')\n",
  ),
  mutant(
    'a folder that a glob leads into and that can not be listed is passed over',
    'sources/files/files.ts',
    '  await checkFolders(folder, rest, leftOut)\n',
    '',
  ),
  mutant(
    'a worker takes the pipeline as it is when it begins',
    'run/measure/worker.ts',
    '  if (ref.identity) checkSamePlan(plan, ref.identity)\n',
    '',
  ),
  mutant('a quota that is used up is not known as a full disk', 'errors.ts', "  ['EDQUOT', makeRoom],\n", ''),
  mutant(
    'an error that the system has no name for is a bug',
    'errors.ts',
    "  if (!code.startsWith('Unknown system error') || errno === undefined) return code\n",
    "  if (code !== '') return code\n",
  ),
]
