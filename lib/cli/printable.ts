/**
 * What a terminal would obey or reorder: C0, DEL and C1 controls, line and paragraph separators, and the marks, embeddings,
 * overrides and isolates of the bidirectional algorithm (Unicode Standard Annex 9).
 */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A text as it may stand in a line for a person, each such character replaced by U+FFFD: codec ids, tags, file names and
 * messages come from outside, and must not colour, move, clear or forge a line.
 */
export function printable(text: string): string {
	return text.replace(UNPRINTABLE, '\ufffd');
}
