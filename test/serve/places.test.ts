import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAsked, placesOf } from '../../src/serve/places.ts'
import { folderBefore, folderOf } from '../../src/shards/folder.ts'

const places = placesOf('/runs/a/feed', '../shards')
const find = (url: string, among = places) => {
  const asked = findAsked(among, url)
  return asked && `${asked.root} ${asked.path}`
}
const sha = 'a'.repeat(64)

const served: [url: string, file: string][] = [
  ['/feed/head.json', '/runs/a/feed head.json'],
  ['/feed/head.json?x=/../..', '/runs/a/feed head.json'],
  ['/feed/control.json', '/runs/a/feed control.json'],
  ['/feed/steps/00004096.jsonl', '/runs/a/feed steps/00004096.jsonl'],
  ['/feed/blocks/en/00000000.arrow', '/runs/a/feed blocks/en/00000000.arrow'],
  ['/feed/blocks/en/00000000.2.arrow', '/runs/a/feed blocks/en/00000000.2.arrow'],
  [`/feed/promoted/${sha}.jsonl`, `/runs/a/feed promoted/${sha}.jsonl`],
  ['/feed/take-downs/00000000.jsonl', '/runs/a/feed take-downs/00000000.jsonl'],
  ['/shards/en/00000001.arrow', '/runs/a/shards en/00000001.arrow'],
  ['/feed/../shards/en/00000001.arrow', '/runs/a/shards en/00000001.arrow'],
  ['/feed/./../../../shards/en/00000001.arrow', '/runs/a/shards en/00000001.arrow'],
  ['/shards/../promoted/0123456789abcdef/en/00000001.arrow', '/runs/a/promoted 0123456789abcdef/en/00000001.arrow'],
  ['/forks/at-40/head.json', '/runs/a/forks at-40/head.json'],
  ['/forks/at-40/../../shards/en/00000001.arrow', '/runs/a/shards en/00000001.arrow'],
]
for (const [url, file] of served) test(`served: ${url}`, () => assert.equal(find(url), file))

test('the folder of any domain is served, once its name is encoded', () => {
  for (const domain of [
    'en',
    'zh/水',
    '.hidden',
    'a b',
    'Web',
    '%',
    "it's (a) *!~",
    'con',
    '../..',
    'x'.repeat(300),
    '',
  ])
    for (const folder of [folderOf(domain), folderBefore(domain)])
      assert.equal(
        find(`/shards/${encodeURIComponent(folder)}/00000000.arrow`),
        `/runs/a/shards ${folder}/00000000.arrow`,
        folder,
      )
})

const refused = [
  '',
  '*',
  'http://evil/feed/head.json',
  '/',
  '/feed',
  '/feed/',
  '/feed/head.json/',
  '/feed//head.json',
  '/feed/head.json.tmp',
  '/feed/lock',
  '/feed/blocks/en/00000000.arrow.tmp',
  '/feed/blocks/.x/00000000.arrow',
  '/feed/blocks/../head.json/../../run.json',
  '/feed/%2e%2e/run.json',
  '/feed/..%2frun.json',
  '/feed/..%5crun.json',
  '/feed/%252e%252e/run.json',
  '/feed/steps/..%2f..%2fhead.json',
  '/feed/head.json%00',
  '/feed/%',
  '/feed/%ff',
  '/FEED/head.json',
  '/run.json',
  '/../run.json',
  '/log/annotate/0.journal',
  '/state/tables',
  '/shards',
  '/shards/run.json',
  '/shards/en/../../run.json',
  '/shards/en/1.arrow',
  '/promoted/x/en/00000001.arrow',
  '/forks/head.json',
  '/forks/../head.json',
  '/forks/.x/head.json',
  '/forks/at-40.tmp/head.json',
  '/forks/a/b/head.json',
  `/shards/${'a'.repeat(5000)}/00000000.arrow`,
]
for (const url of refused) test(`not served: ${url.slice(0, 60)}`, () => assert.equal(find(url), null))

test('whatever is random, no path leads out of its folder', () => {
  const parts = [
    '..',
    '.',
    '',
    '%2e%2e',
    '%2E.',
    'feed',
    'shards',
    'en',
    '00000000.arrow',
    'head.json',
    '%2f',
    '\\',
    '~',
  ]
  for (let i = 0; i < 20_000; i++) {
    let [rest, url] = [i, '']
    for (; rest > 0; rest = Math.floor(rest / parts.length)) url += `/${parts[rest % parts.length]}`
    const asked = findAsked(places, url)
    if (asked) assert.doesNotMatch(asked.path, /(?:^|\/)\.\.?(?:\/|$)|^\/|\\/, url)
  }
})

test('shards that lie elsewhere are where the head leads to by the rules of URLs, and a fork is served by itself', () => {
  const far = placesOf('/a/feeds/web', '../../b/c/shards')
  assert.equal(find('/b/c/shards/en/00000001.arrow', far), '/b/c/shards en/00000001.arrow'.replace('/b', '/a/b'))
  assert.equal(
    new URL('../../b/c/shards/en/00000001.arrow', 'http://h/feed/').pathname,
    '/b/c/shards/en/00000001.arrow',
  )
  const fork = placesOf('/runs/a/forks/x', '../../shards')
  assert.equal(find('/feed/head.json', fork), '/runs/a/forks/x head.json')
  assert.equal(find('/shards/en/00000001.arrow', fork), '/runs/a/shards en/00000001.arrow')
  assert.equal(find('/forks/y/head.json', fork), null)
  assert.equal(new URL('../../shards/en/1.arrow', 'http://h/feed/').pathname, '/shards/en/1.arrow')
})
