/**
 * Headrace's conformance suites: the contracts of its ports as tests, for a log, a state, a source, an annotator or a decider of one's own.
 * Each suite is a list of `{ rule, check }`. `testLog` and its like register one with `node:test`; `findBrokenRules` runs one without.
 *
 *     import { testAnnotator } from 'headrace/conformance'
 *     testAnnotator('my filter', () => ({ annotator: myFilter() }))
 */
export { type AnnotatorSubject, annotatorSuite, testAnnotator } from './annotator.ts'
export { type DeciderSubject, decideBatch, deciderSuite, type Fate, testDecider } from './decider.ts'
export { type LogSubject, logSuite, testLog } from './log.ts'
export { type ExpectedRecord, type SourceSubject, sourceSuite, testSource } from './source.ts'
export { type SpreadLogSubject, spreadLogSuite, testSpreadLog } from './spread-log.ts'
export { type StateSubject, stateSuite, testState } from './state.ts'
export { findBrokenRules, type Open, type Suite, type SuiteRule } from './suite.ts'
export { documents, oddTexts } from './texts.ts'
