import { type Mutant, mutant } from './plant-mutant.ts'

const pulse = "    if (holder.machine !== '') stopPulse = await startPulse(path)\n"
const unlinking = '    await unlink(draft).catch(() => {})\n'

/** What goes wrong where somebody else is at a run's files: who follows them, and who wants the run. */
export const watchingMutants: readonly Mutant[] = [
  mutant('a follower looks for new files alone', 'sources/files/files.ts', '    yield* listed.changed(stamp)\n', ''),
  mutant(
    'a follower looks at the length of files alone',
    'sources/files/listed-files.ts',
    "[found.dev, found.ino, found.size, found.mtimeMs].join(' ')",
    'String(found.size)',
  ),
  mutant("a lock's holder has no pulse", 'disk/lock.ts', pulse, ''),
  {
    name: 'a pulse that can not begin is a mistake of the program',
    changes: [
      { file: 'disk/lock.ts', from: pulse, to: '' },
      { file: 'disk/lock.ts', from: unlinking, to: `${unlinking}  }\n  {\n${pulse}` },
    ],
  },
  mutant(
    'a process of another machine of the same name is looked for on this one',
    'disk/process-name.ts',
    "  if ((name.machine ?? '') !== '' && name.machine !== describeMachine()) return 'unseen'\n",
    '',
  ),
  mutant(
    'a silent holder on another machine is waited for for ever',
    'disk/lock.ts',
    '  return (await writtenMs(fresh)) - (await writtenMs(path)) < silentMs\n',
    '  return true\n',
  ),
]
