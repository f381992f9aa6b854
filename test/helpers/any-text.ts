import fc from 'fast-check';

/** Any code point that a text in UTF-8 can have: a third of them ASCII. */
const character = fc.oneof(
	fc.integer({ min: 0, max: 0x7f }),
	fc.integer({ min: 0x80, max: 0xd7ff }),
	fc.integer({ min: 0xe000, max: 0x10ffff }),
);

/**
 * Any text. fast-check's own strings of any code point begin with a table of a million characters, which takes longer than the
 * tests that want them.
 */
export function anyText({ maxLength }: { readonly maxLength?: number } = {}): fc.Arbitrary<string> {
	const made = fc
		.array(character, { ...(maxLength !== undefined && { maxLength }) })
		.map((codes) => String.fromCodePoint(...codes));
	return fc.oneof({ weight: 9, arbitrary: made }, fc.constantFrom('__proto__', 'constructor', 'null'));
}
