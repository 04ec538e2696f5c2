/** The columns that records can be joined by. They stand apart, so that who reads an option loads nothing that compares. */
export const labelColumns = ['id', 'url'] as const
export type LabelColumn = (typeof labelColumns)[number]
