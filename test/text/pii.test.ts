import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPii, piiKinds, SpanBuffer } from '../../src/text/pii.ts'
import { drawFrom } from '../random.ts'

const encoder = new TextEncoder()
const all = { emails: true, ipAddresses: true, phones: true }

/** What is found in `text`, each with the first letter of its kind. */
function find(text: string, choice = all): string[] {
  const bytes = encoder.encode(`9${text}9`)
  const spans = new SpanBuffer()
  // The neighbours outside the row must not count.
  findPii(bytes, 1, bytes.length - 1, choice, spans)
  const found: string[] = []
  for (let i = 0; i < spans.length; i += 3) {
    const [start, end, kind] = spans.values.subarray(i, i + 3)
    const name = Object.entries(piiKinds).find(([, value]) => value === kind)![0]
    found.push(`${name} ${new TextDecoder().decode(bytes.subarray(1 + start, 1 + end))}`)
  }
  return found
}

/** A text, and what is found in it. */
const cases: [string, ...string[]][] = [
  // E-mail
  ['mail foo@bar.com.', 'email foo@bar.com'],
  ['<a.b+c-d_e@mail.example.co.uk>', 'email a.b+c-d_e@mail.example.co.uk'],
  ['邮箱foo@bar.com，谢谢', 'email foo@bar.com'],
  ["'quoted@host.org'", 'email quoted@host.org'],
  ['x..y@host.org', 'email y@host.org'],
  ['.y@host.org y.@host.org @host.org', 'email y@host.org'],
  ['http://user:secret@host.org/?mail=me@host.org', 'email secret@host.org', 'email mail=me@host.org'],
  ['a@b.com@c.com', 'email a@b.com'],
  ['a@xn--bcher-kva.xn--p1ai b@-x.com c@x-.com', 'email a@xn--bcher-kva.xn--p1ai'],
  ['react@18.2.0 user@host 10002@127.0.0.1 @types/node'],
  [`${'a'.repeat(64)}@host.org ${'a'.repeat(65)}@host.org`, `email ${'a'.repeat(64)}@host.org`],
  ['email@example.com firstname.lastname@example.org'],
  ['john@example.com', 'email john@example.com'],
  // IPv4
  ['at 8.8.8.8, 93.184.216.34:80 and http://1.1.1.1/', 'ipv4 8.8.8.8', 'ipv4 93.184.216.34', 'ipv4 1.1.1.1'],
  ['root@8.8.4.4', 'ipv4 8.8.4.4'],
  ['10.0.0.1 127.0.0.1 172.16.0.1 172.32.0.1 192.168.1.1 100.64.0.1 198.19.255.255', 'ipv4 172.32.0.1'],
  ['192.0.2.1 198.51.100.7 203.0.113.9 169.254.1.1 0.1.2.3 255.255.255.255 240.0.0.1'],
  ['1.2.3.4.5 v1.2.3.4 1.2.3 256.1.1.1 1.2.3.04 lib-1.2.3.4 1.2.3.4-5 1.2.3.4a'],
  ['22.214.171.124 126.96.36.199'],
  // IPv6
  ['[2606:4700::1111]:443 2001:4860:4860:0:0:0:0:8888.', 'ipv6 2606:4700::1111', 'ipv6 2001:4860:4860:0:0:0:0:8888'],
  ['2001:db8::1 fe80::1:2 2002:1:2::3 2001:0:1::2 ::1 3fff:1::2:3'],
  ['a[2000::2] 2002:12:05 2001:1:2:3:4:5:6:7:8 2606:4700::1::2 std::vector'],
  // Phones
  ['(202) 555-0143 or (202)555-0143', 'phone (202) 555-0143', 'phone (202)555-0143'],
  ['202-555-0143, 202.555.0143', 'phone 202-555-0143', 'phone 202.555.0143'],
  ['1-800-555-0199 and 1 (202) 555-0143', 'phone 1-800-555-0199', 'phone 1 (202) 555-0143'],
  ['call 202 555 0143.', 'phone 202 555 0143'],
  ['7 202 555 0143 and 202 555 0143 7 are columns'],
  ['2147483647 2025550143 102-555-0143 202-155-0143 a202-555-0143 202-555-01434 id=202-555-0143'],
  ['+49 30 1234567', 'phone +49 30 1234567'],
  ['+1 (202) 555-0143; +442079460000', 'phone +1 (202) 555-0143', 'phone +442079460000'],
  ['+1.23456789 +0100 +12345678 +1234567890123456 a+4912345678901 +192.168.2.100'],
  ['电话13812345678，或138-1234-5678', 'phone 13812345678', 'phone 138-1234-5678'],
  ['12812345678 138123456789 0.13812345678 1381234567 150 2000 3000 4'],
  ['13812345678@qq.com', 'email 13812345678@qq.com'],
  ['138-1234-5678.x@qq.com', 'email 138-1234-5678.x@qq.com'],
]

test('what is found', () => {
  for (const [text, ...found] of cases) assert.deepEqual(find(text), found, text)
})

test('each kind can be left out', () => {
  const text = 'a@b.org 8.8.8.8 2606:4700::1111 202-555-0143'
  assert.deepEqual(find(text, { ...all, emails: false }).length, 3)
  assert.deepEqual(find(text, { ...all, ipAddresses: false }).length, 2)
  assert.deepEqual(find(text, { ...all, phones: false }).length, 3)
})

test('spans of random text rise, stay apart and stay within', () => {
  const pieces = [
    'a',
    '@',
    '.',
    'b.com',
    '8.8.8.8',
    '-',
    ' ',
    '+',
    '202-555-0143',
    '138',
    '12345678',
    '(',
    ')',
    '2606:',
    ':',
    '中',
    '/',
  ]
  const seed = 7
  const next = drawFrom(seed)
  for (let i = 0; i < 20_000; i++) {
    const bytes = encoder.encode(Array.from({ length: next(16) }, () => pieces[next(pieces.length)]).join(''))
    const spans = new SpanBuffer()
    findPii(bytes, 0, bytes.length, all, spans)
    let free = 0
    for (let j = 0; j < spans.length; j += 3) {
      assert.ok(spans.values[j] >= free && spans.values[j] < spans.values[j + 1], `seed ${seed}, round ${i}`)
      free = spans.values[j + 1]
    }
    assert.ok(free <= bytes.length, `seed ${seed}, round ${i}`)
  }
})

test('hostile texts take linear time', () => {
  const started = process.cpuUsage().user
  for (const unit of [
    '@',
    'a',
    '1',
    '+',
    '1.',
    'a@',
    'a.',
    '@a.',
    '+1 ',
    '1-',
    '(202)',
    '2606:',
    '2::',
    'a@b.cc',
    '中',
  ]) {
    const bytes = encoder.encode(unit.repeat(Math.ceil(1_000_000 / unit.length)))
    findPii(bytes, 0, bytes.length, all, new SpanBuffer())
  }
  assert.ok(process.cpuUsage().user - started < 4e6)
})
