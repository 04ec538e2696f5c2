/** Told of each piece `[start, end)` of a normalised text, in order. */
export type TakePiece = (start: number, end: number, id: number) => void

/** Cuts the first `end` bytes of a normalised text into a model's pieces. */
export interface Segmenter {
  segment(bytes: Uint8Array, end: number, take: TakePiece): void
}
