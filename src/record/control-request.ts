import { isCount, isFields, isObjectOf, isOneOf, isOptional, isText } from '../disk/json-file.ts'
import type { ChangedSettings, SettingsOrder } from '../feed/change/settings.ts'
import { Inbox } from './inbox.ts'

/** Asks the process that publishes a run's own feed for a change of it. */
export interface ControlRequest extends SettingsOrder {
  readonly kind: 'control'
}

/** What came of a request: the step from which on it is in force, or why it is refused. */
export type ControlAnswer =
  | ({ readonly kind: 'answer'; readonly at: string; readonly refused?: undefined } & ChangedSettings)
  | { readonly kind: 'answer'; readonly at: string; readonly refused: string }

const isNumberOrNull = (value: unknown) => value === null || isCount(value)

/** The requests that wait, by their ids. */
export const controlRequests = new Inbox<ControlRequest>(
  '.control',
  isObjectOf({
    kind: isOneOf('control'),
    id: isText,
    step: isNumberOrNull,
    change: isFields,
    who: isText,
    at: isText,
    note: value => value === null || isText(value),
  }),
  "is no change of a feed: delete it, and ask again with 'headrace mix', 'batch' or 'budget'",
)

/** The answers that nobody has fetched, by the ids of their requests. */
export const controlAnswers = new Inbox<ControlAnswer>(
  '.answer',
  isObjectOf({ kind: isOneOf('answer'), at: isText, refused: isOptional(isText), step: isOptional(isCount) }),
  'is no answer of a run: delete it',
)
