import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { PiiFinder } from '../../../src/text/pii/find.ts'
import { type PiiChoice, piiKinds, SpanBuffer } from '../../../src/text/pii/spans.ts'
import { drawFrom } from '../../random.ts'

const encoder = new TextEncoder()
const all: PiiChoice = { emails: true, ipAddresses: true, phones: true, cards: true, ibans: true, secrets: true }

/** What is found in `text`, each with the first letter of its kind. */
function find(text: string, choice = all): string[] {
  const bytes = encoder.encode(`9${text}9`)
  const spans = new SpanBuffer()
  // The neighbours outside the row must not count.
  new PiiFinder(choice).find(bytes, 1, bytes.length - 1, spans)
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
  ['x..y@host.org', 'email x..y@host.org'],
  ['.y@host.org y.@host.org @host.org', 'email y@host.org', 'email y.@host.org'],
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
  // E-mail beyond ASCII
  ['jane@münchen.de, josé.garcía@correo.es', 'email jane@münchen.de', 'email josé.garcía@correo.es'],
  ['иван@почта.рф и ivan@пример.рф.', 'email иван@почта.рф', 'email ivan@пример.рф'],
  ['发给 用户@例子.公司，谢谢', 'email 用户@例子.公司'],
  ['邮箱zhang.san@qq.com联系', 'email zhang.san@qq.com'],
  ['メール：taro@example.jpまで', 'email taro@example.jp'],
  ['foo@bar.com请访问www.baidu.com', 'email foo@bar.com'],
  ['메일은 kim@naver.com으로', 'email kim@naver.com'],
  ['ｊａｎｅ＠ｓｉｔｅ．ｃｏｍ', 'email ｊａｎｅ＠ｓｉｔｅ．ｃｏｍ'],
  ['jo\u200bhn@si\u00adte.org', 'email jo\u200bhn@si\u00adte.org'],
  // Ranges of addresses
  ['8.8.8.0/24, 8.8.8.1-8.8.8.20', 'ipv4 8.8.8.0', 'ipv4 8.8.8.1', 'ipv4 8.8.8.20'],
  ['8.8.8.1–8.8.8.20 and 8.8.4.1 - 8.8.4.9', 'ipv4 8.8.8.1', 'ipv4 8.8.8.20', 'ipv4 8.8.4.1', 'ipv4 8.8.4.9'],
  ['10.0.0.1-8.8.8.8 8.8.8.1-120 8.8.8.1/8.8.8.9', 'ipv4 8.8.8.8', 'ipv4 8.8.8.1-120', 'ipv4 8.8.8.1', 'ipv4 8.8.8.9'],
  ['2606:4700::1:1-2606:4700::1:9/64', 'ipv6 2606:4700::1:1', 'ipv6 2606:4700::1:9'],
  ['８．８．８．８ ٨.٨.٨.٨', 'ipv4 ８．８．８．８', 'ipv4 ٨.٨.٨.٨'],
  // Versions and sections
  ['version 2.0.0.1 or 3.1.4.1, builds 1.128.1.0, 1.128.2.0 and 1.128.3.0; V. 5.1.2.3 firmware: 9.1.2.3'],
  ['sections 1.2.3.4 and 2.3.4.5, § 5.6.7.8, 第1.2.3.4节, 版本 8.1.2.3, upgraded from release 7.1.2.3 to 8.1.2.3'],
  ['6.3.2.1. Partitioning\n 7.27.2.3 The mktime function\n8.1.6.1. Другое\n4.2.2.2 is a server', 'ipv4 4.2.2.2'],
  ['Chrome/12.0.99.109 nginx/1.2.3.4 v1.2.3.4'],
  [
    'In this version, 8.8.8.8 is asked; http://8.8.4.4/ and ipinfo.org/8.8.8.8',
    'ipv4 8.8.8.8',
    'ipv4 8.8.4.4',
    'ipv4 8.8.8.8',
  ],
  // Phones with other digits, spaces and hyphens
  [
    '202\u2011555\u20110143 or (202)\u00a0555\u20130143',
    'phone 202\u2011555\u20110143',
    'phone (202)\u00a0555\u20130143',
  ],
  [
    '＋４９ ３０ １２３４５６７，１３８－１２３４－５６７８',
    'phone ＋４９ ３０ １２３４５６７',
    'phone １３８－１２３４－５６７８',
  ],
  ['+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧ और +९१ ९८१०१ २३४५६', 'phone +٩٦٦ ٥٠ ١٢٣ ٤٥٦٧', 'phone +९१ ९८१०१ २३४५६'],
  // Cards
  ['card 4111-1111-1111-1112, 4012 8888 8888 1881.', 'card 4012 8888 8888 1881'],
  [
    '378282246310005 5555555555554444 30569309025904',
    'card 378282246310005',
    'card 5555555555554444',
    'card 30569309025904',
  ],
  [
    '6212 3456 7890 0000 003, 4012\u00a08888\u00a08888\u00a01881',
    'card 6212 3456 7890 0000 003',
    'card 4012\u00a08888\u00a08888\u00a01881',
  ],
  ['1748503543012 0000 0000 0000 0000 4012888888881882 ISBN 978-0-306-40615-7'],
  ['5210 5211 5212 5213 5214 5215 and 541F 5420 5421 5422 5423 542F and 650 15076 651 15077 652'],
  ['40128888888818811 a4012888888881881 4.012888888881881 4012888888881881.5'],
  // IBAN
  [
    'DE89 3704 0044 0532 0130 00, GB29NWBK60161331926819',
    'iban DE89 3704 0044 0532 0130 00',
    'iban GB29NWBK60161331926819',
  ],
  [
    'fr1420041010050500013m02606 FR14-2004-1010-0505-0001-3M02-606',
    'iban fr1420041010050500013m02606',
    'iban FR14-2004-1010-0505-0001-3M02-606',
  ],
  ['DE88 3704 0044 0532 0130 00 XX89370400440532013000 ADE89370400440532013000 GB29NWBK601613319268191'],
  // Keys and tokens
  ['AKIAQ3EGRIFZ7XLMB2PD;', 'secret AKIAQ3EGRIFZ7XLMB2PD'],
  ['"ghp_16C7e42F292c6912E7710c838347Ae178B4a"', 'secret ghp_16C7e42F292c6912E7710c838347Ae178B4a'],
  [
    'sk-proj-Zx81Kd02PqLw93RtYbN5 hf_aZ3kQ9rLw2XyBvNc8TpMeGdJhUsKfRiOq',
    'secret sk-proj-Zx81Kd02PqLw93RtYbN5',
    'secret hf_aZ3kQ9rLw2XyBvNc8TpMeGdJhUsKfRiOq',
  ],
  [
    'sk-learn-contrib-something-long AKIA0000000000000000 ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa risk-1234567890abcdefghijK',
  ],
  [
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P',
    'secret eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P',
  ],
  [
    'a\n-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,0\n\nMIIEpAIBAAKCAQEA7bq9x0y1z2w3v4u5t6s7r8q9p0+/\n-----END RSA PRIVATE KEY-----\nb',
    'secret -----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,0\n\nMIIEpAIBAAKCAQEA7bq9x0y1z2w3v4u5t6s7r8q9p0+/\n-----END RSA PRIVATE KEY-----',
  ],
]

test('what is found', () => {
  for (const [text, ...found] of cases) assert.deepEqual(find(text), found, text)
})

test('what failed once is what it is', async () => {
  const lines = (await readFile(new URL('../../faults/pii.jsonl', import.meta.url), 'utf8')).trim().split('\n')
  const found = lines.map(one => find(JSON.parse(one).text))
  // By line, from 1; all others have nothing.
  const expected: Record<number, string[]> = {
    4: ['ipv4 8.8.8.0', 'ipv4 8.8.8.1', 'ipv4 8.8.8.20'],
    5: ['ipv4 8.8.8.8'],
    6: ['ipv6 2a00:1450:4001:830::200e', 'ipv6 2a00:1450:4001:830::200e'],
    7: ['ipv6 2607:f8b0:4004:0c07:0000:0000:0000:0071'],
    8: ['ipv4 8.8.8.8'],
    10: ['card 4111 1111 1111 1111'],
    12: ['phone (212) 555-0198'],
    13: ['phone +44 20 7946 0958'],
    14: ['phone +1-212-555-0198'],
    15: ['phone 13812345678', 'email zhang@example.cn'],
    16: ['email taro@example.jp'],
    17: ['email zhang.san@qq.com'],
    18: ['email john.doe@company.com'],
    19: ['email mary@corp.org'],
    21: ['email a@b.co'],
    // A user and a password, or a user of a repository: masked, though no addresses.
    22: ['email git@github.com'],
    23: ['email pass@host.example.org'],
    26: ['email jane@münchen.de'],
    27: ['email 用户@例子.广告'],
    28: ['email first.last+tag@sub.domain.co.uk'],
    29: ['ipv4 1.2.3.4'],
    37: ['phone 212.555.0198'],
    39: ['phone 212-555-0198'],
  }
  for (const [i, spans] of found.entries()) assert.deepEqual(spans, expected[i + 1] ?? [], lines[i])
})

test('each kind can be left out', () => {
  const text =
    'a@b.org 8.8.8.8 2606:4700::1111 202-555-0143 4012888888881881 DE89370400440532013000 AKIAQ3EGRIFZ7XLMB2PD'
  assert.equal(find(text).length, 7)
  for (const kind of Object.keys(all) as (keyof PiiChoice)[])
    assert.equal(find(text, { ...all, [kind]: false }).length, kind === 'ipAddresses' ? 5 : 6, kind)
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
  const finder = new PiiFinder(all)
  for (let i = 0; i < 20_000; i++) {
    const bytes = encoder.encode(Array.from({ length: next(16) }, () => pieces[next(pieces.length)]).join(''))
    const spans = new SpanBuffer()
    finder.find(bytes, 0, bytes.length, spans)
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
  const finder = new PiiFinder(all)
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
    '１',
    'é@',
    '\u200b',
    '4',
    '4012 ',
    'DE89 ',
    'sk-',
    'eyJ',
    'eyJabcdefghij.',
    '-----BEGIN PRIVATE KEY-----',
    'version 1.2.3.4, ',
    '8.8.8.8-',
    '8.8.8.1-20 ',
  ]) {
    const bytes = encoder.encode(unit.repeat(Math.ceil(1_000_000 / Buffer.byteLength(unit))))
    finder.find(bytes, 0, bytes.length, new SpanBuffer())
  }
  assert.ok(process.cpuUsage().user - started < 4e6)
})
