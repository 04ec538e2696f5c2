import { limits } from '../../limits.ts'
import type { Endpoint } from '../model-server/endpoint.ts'
import { again, postJson, type Unanswered } from '../model-server/post.ts'

/** How one request has ended. `tokens` is null where the server did not say what it cost. */
export type Sent =
  | {
      readonly kind: 'answer'
      readonly content: string
      readonly isCutOff: boolean
      readonly tokens: number | null
      readonly servedBy: string
    }
  | Unanswered

/** Sends a question once. Never throws for what a server or a network does. */
export async function sendQuestion(endpoint: Endpoint, body: string): Promise<Sent> {
  const posted = await postJson(endpoint, body, limits.judgeAnswerBytesMax)
  return posted.kind === 'body' ? readEnvelope(posted.text) : posted
}

/** Reads the answer of `/v1/chat/completions`. A body that is none, or half of one, is the server's fault and not the judge's. */
function readEnvelope(body: string): Sent {
  let found: Envelope | null = null
  try {
    found = JSON.parse(body)
  } catch {
    return again('half-a-body')
  }
  const choice = found?.choices?.[0]
  const content = choice?.message?.content
  // A model that refuses, or thinks to the end of its tokens, says null.
  if (typeof content !== 'string' && content !== null) return again('no-choice')
  const tokens = found?.usage?.total_tokens
  return {
    kind: 'answer',
    content: content ?? '',
    isCutOff: choice?.finish_reason === 'length',
    tokens: Number.isSafeInteger(tokens) && tokens! >= 0 ? tokens! : null,
    servedBy: typeof found?.model === 'string' ? found.model.slice(0, 200) : '',
  }
}

interface Envelope {
  readonly model?: unknown
  readonly choices?: readonly {
    readonly finish_reason?: unknown
    readonly message?: { readonly content?: string | null }
  }[]
  readonly usage?: { readonly total_tokens?: number }
}
