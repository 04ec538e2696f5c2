import { type Request, type Reply as ServerReply, serveModel } from '../model-server/server.ts'

export interface Asked extends Request {
  readonly text: string
}
export type Reply = ServerReply<Asked>

/** A real server of `/v1/chat/completions`. */
export const serveJudge = (reply: Reply) => serveModel('/v1/chat/completions', read, reply)

function read(request: Request): Asked {
  const messages = request.body.messages as { readonly content: string }[]
  return { ...request, text: messages[1].content.replace('The text:\n\n', '') }
}

/** An envelope with these words of the judge. */
export const envelope = (content: string | null, others: object = {}, tokens = 40) =>
  JSON.stringify({
    model: 'judge-served',
    choices: [{ finish_reason: 'stop', message: { role: 'assistant', content }, ...others }],
    usage: { prompt_tokens: tokens - 9, completion_tokens: 9, total_tokens: tokens },
  })

/** Replies with these words. */
export const say =
  (content: string | null, others: object = {}): Reply =>
  response =>
    response.end(envelope(content, others))
