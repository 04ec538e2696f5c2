import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEndpoint } from '../../../src/annotate/model-server/endpoint.ts'

const endpoints: [given: string, path: string][] = [
  ['', '/v1/chat/completions'],
  ['/', '/v1/chat/completions'],
  ['/v1', '/v1/chat/completions'],
  ['/v1/', '/v1/chat/completions'],
  ['/api/v1', '/api/v1/chat/completions'],
  ['/own/chat/completions', '/own/chat/completions'],
]
test('an endpoint is a URL, with what is behind it or not', () => {
  for (const [given, path] of endpoints)
    assert.equal(
      readEndpoint('x', 'chat/completions', {
        endpoint: `http://localhost:1${given}`,
        keyFrom: undefined,
        timeoutSeconds: 1,
      }).url.pathname,
      path,
    )
})

test('another service has another path', () => {
  const given = { endpoint: 'http://localhost:1/v1', keyFrom: undefined, timeoutSeconds: 1 }
  assert.equal(readEndpoint('x', 'embeddings', given).url.pathname, '/v1/embeddings')
})
