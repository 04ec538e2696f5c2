import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../random.ts'
import { Disk } from './disk.ts'

// What may be there after a power loss. Each case is tried with many seeds: exactly these outcomes must come, and no other.
const bytes = (text: string) => Buffer.from(text)
const show = (disk: Disk, path: string) => disk.find(path)?.content.toString().replaceAll('\0', '0') ?? 'absent'
const a = 'a'.repeat(512)
const b = 'b'.repeat(512)

function create(disk: Disk, path: string, text: string) {
  const inode = disk.open(path, 'w')
  disk.write(inode, bytes(text), 0)
  return inode
}
function createDurably(disk: Disk, path: string, text: string) {
  const inode = create(disk, path, text)
  disk.sync(inode)
  disk.sync(disk.root)
  return inode
}

const cases: readonly [
  rule: string,
  prepare: (disk: Disk) => void,
  look: (disk: Disk) => string,
  outcomes: string[],
][] = [
  [
    'what is synced, with its name, stays',
    disk => void createDurably(disk, '/x', 'old'),
    disk => show(disk, '/x'),
    ['old'],
  ],
  [
    'a write that is not synced is there, not there, there in part, or only its size is',
    disk => disk.write(createDurably(disk, '/x', ''), bytes('new'), 0),
    disk => show(disk, '/x'),
    ['', '0', '00', '000', 'n', 'ne', 'new'],
  ],
  [
    'sectors of one write come in any order',
    disk => disk.write(createDurably(disk, '/x', a + a), bytes(b + b), 0),
    disk => (disk.find('/x')!.content.toString().match(/a+|b+/g) ?? []).map(run => run[0]).join(''),
    ['a', 'ab', 'b', 'ba'],
  ],
  [
    'a later write may be there without an earlier one',
    disk => {
      const inode = createDurably(disk, '/x', '..')
      disk.write(inode, bytes('1'), 0)
      disk.write(inode, bytes('2'), 1)
    },
    disk => show(disk, '/x'),
    ['..', '.2', '1.', '12'],
  ],
  [
    'a cut that is not synced is there or not',
    disk => disk.truncate(createDurably(disk, '/x', 'old'), 1),
    disk => show(disk, '/x'),
    ['o', 'old'],
  ],
  [
    "a new file's name lasts by a sync of its folder alone",
    disk => disk.sync(create(disk, '/x', 'new')),
    disk => show(disk, '/x'),
    ['absent', 'new'],
  ],
  [
    'a name without its content is a file without bytes',
    disk => {
      create(disk, '/x', 'n')
      disk.sync(disk.root)
    },
    disk => show(disk, '/x'),
    ['', '0', 'n'],
  ],
  [
    'a rename over a name leaves the old file or the new one',
    disk => {
      createDurably(disk, '/x', 'old')
      createDurably(disk, '/x.tmp', 'new')
      disk.rename('/x.tmp', '/x')
    },
    disk => `${show(disk, '/x')} ${show(disk, '/x.tmp')}`,
    ['new absent', 'old new'],
  ],
  [
    'a rename that is there needs no creation before it',
    disk => {
      disk.sync(create(disk, '/x.tmp', 'new'))
      disk.rename('/x.tmp', '/x')
    },
    disk => `${show(disk, '/x')} ${show(disk, '/x.tmp')}`,
    ['absent absent', 'absent new', 'new absent'],
  ],
  [
    'an unlink that is not synced may not have been',
    disk => {
      createDurably(disk, '/x', 'old')
      disk.unlink('/x')
    },
    disk => show(disk, '/x'),
    ['absent', 'old'],
  ],
  [
    'a folder whose name is lost takes along what lasts in it',
    disk => {
      disk.makeFolder('/d')
      disk.sync(create(disk, '/d/x', 'new'))
      disk.sync(disk.find('/d')!)
    },
    disk => show(disk, '/d/x'),
    ['absent', 'new'],
  ],
  [
    'what a failed sync forgot does not come back over what was written again and synced',
    disk => {
      const inode = createDurably(disk, '/x', 'old')
      disk.write(inode, bytes('lost'), 0)
      disk.failSync(inode)
      disk.open('/x', 'w')
      disk.write(inode, bytes('new'), 0)
      disk.sync(inode)
    },
    disk => show(disk, '/x'),
    ['new'],
  ],
  [
    'a sync that failed is not made good by a later one',
    disk => {
      const inode = createDurably(disk, '/x', 'o')
      disk.write(inode, bytes('n'), 0)
      disk.failSync(inode)
      disk.sync(inode)
    },
    disk => show(disk, '/x'),
    ['n', 'o'],
  ],
]

for (const [rule, prepare, look, outcomes] of cases)
  test(`power loss: ${rule}`, () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 300; seed++) {
      const disk = new Disk()
      prepare(disk)
      disk.losePower(new Random(seed))
      const found = look(disk)
      seen.add(found)
      disk.losePower(new Random(seed))
      assert.equal(look(disk), found, 'what a power loss left stays')
    }
    assert.deepEqual([...seen].sort(), outcomes)
  })

test('errors are those of a file system', () => {
  const disk = new Disk()
  createDurably(disk, '/x', 'old')
  disk.makeFolder('/d')
  const failing: readonly [code: string, call: () => unknown][] = [
    ['ENOENT', () => disk.open('/y', 'r')],
    ['ENOENT', () => disk.open('/none/y', 'w')],
    ['ENOTDIR', () => disk.open('/x/y', 'w')],
    ['EEXIST', () => disk.open('/x', 'wx')],
    ['EISDIR', () => disk.open('/d', 'r+')],
    ['EEXIST', () => disk.makeFolder('/d')],
    ['EEXIST', () => disk.link('/x', '/d')],
    ['ENOENT', () => disk.rename('/y', '/z')],
    ['ENOENT', () => disk.unlink('/y')],
    ['ENOTDIR', () => disk.list('/x')],
  ]
  for (const [code, call] of failing) assert.throws(call, { code })
})
