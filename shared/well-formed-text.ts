/** Arguments for zod's `refine`. A lone surrogate has no UTF-8 form, so the stored text would differ from the input. */
export const wellFormed = [
  (text: string) => text.isWellFormed(),
  "must be well-formed Unicode, without lone surrogates",
] as const;
