import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../../src/watch/address.ts'

const addresses: [string, string, number][] = [
  ['9464', '127.0.0.1', 9464],
  ['0', '127.0.0.1', 0],
  ['localhost:80', 'localhost', 80],
  ['0.0.0.0:65535', '0.0.0.0', 65535],
  ['[::1]:9464', '::1', 9464],
]
test('addresses', () => {
  for (const [text, host, port] of addresses) assert.deepEqual(parseAddress(text), { host, port })
  for (const text of ['', 'x', ':80', '65536', '-1', '1.5', '::1:80', 'a b:80', 'http://h:80', '[::1]', 'h:', '80 '])
    assert.throws(() => parseAddress(text), { code: 'bad-option', message: /--http is '/ }, text)
})
