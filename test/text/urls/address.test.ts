import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addressUnitsMax,
  domainsOf,
  isIpAddress,
  pathPartsMax,
  pathsOf,
  readAddress,
} from '../../../src/text/urls/address.ts'

const addresses: [url: string, host: string | null, path?: string][] = [
  ['https://example.com', 'example.com', '/'],
  ['HTTPS://User:pass@WWW.Example.COM.:8443/A/b?C=d#e', 'www.example.com', '/A/b?C=d'],
  ['  http://example.com/a/../b  ', 'example.com', '/b'],
  ['example.com', 'example.com', '/'],
  ['example.com:8080/a', 'example.com', '/a'],
  ['localhost:8080', 'localhost', '/'],
  ['//example.com/a', 'example.com', '/a'],
  ['example.com/?u=http://other.com/', 'example.com', '/?u=http://other.com/'],
  ['http://münchen.de/straße', 'xn--mnchen-3ya.de', '/stra%C3%9Fe'],
  ['http://xn--MNCHEN-3ya.de', 'xn--mnchen-3ya.de', '/'],
  ['http://例え。jp/', 'xn--r8jz45g.jp', '/'],
  ['http://a_b.example.com/', 'a_b.example.com', '/'],
  ['http://user@evil.com@example.com/', 'example.com', '/'],
  ['http://example.com\\@evil.com', 'example.com', '/@evil.com'],
  ['http://0x7f.1/', '127.0.0.1', '/'],
  ['http://[2001:DB8::1]:80/a', '2001:db8::1', '/a'],
  ['http://192.168.0.1./', '192.168.0.1', '/'],
  ['http:///etc/passwd', null],
  ['http://\\evil.com', null],
  ['file:///etc/passwd', null],
  ['mailto:a@example.com', null],
  ['dns:example.com', null],
  ['data:text/plain,example.com', null],
  ['s3://bucket/key', null],
  ['http://ex ample.com', null],
  ['http://./', null],
  ['', null],
  [`http://${'a.'.repeat(130)}com/`, null],
  [`http://${'u'.repeat(600)}@example.com/`, null],
]
for (const [url, host, path] of addresses)
  test(`${JSON.stringify(url.slice(0, 60))} is ${host === null ? 'no address' : `${host}, ${path}`}`, () =>
    assert.deepEqual(readAddress(url), host === null ? null : { host, path }))

/** Different letters, of which Punycode is slow. */
const makeLetters = (length: number) =>
  Array.from({ length }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7) % 20000))).join('')

test('a URL of any length and kind takes no longer than its length', () => {
  const hostile = [
    `http://${makeLetters(1e6)}/`,
    ...Array.from({ length: 5 }, (_, i) => `http://${makeLetters(3000 + i)}/`),
    `http://a.com/${'/'.repeat(1e6)}`,
    `${'a'.repeat(1e6)}://`,
    `http://${'@'.repeat(1e6)}`,
    `http://${'.'.repeat(1e6)}`,
    ' '.repeat(1e6),
  ]
  const start = performance.now()
  for (let i = 0; i < 20; i++) for (const url of hostile) readAddress(url)
  const seconds = (performance.now() - start) / 1000
  assert.ok(seconds < 1, `${seconds} s`)
  assert.ok(readAddress(`http://a.com/${'/'.repeat(1e6)}`)!.path.length <= addressUnitsMax)
})

test('a host lies in its domains down to two labels, and an address in itself', () => {
  assert.deepEqual(domainsOf('a.b.example.com'), ['a.b.example.com', 'b.example.com', 'example.com'])
  assert.deepEqual(domainsOf('com'), [])
  assert.deepEqual(domainsOf('192.168.0.1'), ['192.168.0.1'])
  assert.deepEqual(domainsOf('2001:db8::1'), ['2001:db8::1'])
  assert.ok(!isIpAddress('1.example.com') && isIpAddress('1.2.3.4') && isIpAddress('::1'))
})

const paths: [path: string, begins: string[]][] = [
  ['/', []],
  ['/a', ['/a']],
  ['/a/', ['/a', '/a/']],
  ['/a/b?c=1&d=2', ['/a', '/a/b', '/a/b?c=1', '/a/b?c=1&d=2']],
  ['/?a=1', ['/?a=1']],
  ['//a', ['//a']],
]
for (const [path, begins] of paths)
  test(`${path} begins as ${begins.join(' ') || 'nothing'}`, () => assert.deepEqual(pathsOf(path), begins))

test('beginnings of a path are counted out', () => {
  assert.equal(pathsOf('/a'.repeat(1000)).length, pathPartsMax)
})
