/** For zod's `refine`: half a surrogate pair has no UTF-8, so that what is stored would not be what was sent. */
export const wellFormed = [
  (text: string) => text.isWellFormed(),
  "must be well-formed Unicode, without half a surrogate pair",
] as const;
