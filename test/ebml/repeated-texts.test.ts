import test from 'ava';
import fc from 'fast-check';
import { RepeatedTexts } from '#lib/ebml/repeated-texts.js';
import { anyText } from '../helpers/any-text.js';

const name = fc.oneof(
	fc.constantFrom('AWS_KINESISVIDEO_SERVER_TIMESTAMP', 'AWS_KINESISVIDEO_PRODUCER_TIMESTAMP', 'TITLE', ''),
	anyText({ maxLength: 90 }),
);

test('a text is read without its padding, whatever was read before', (t) => {
	const padded = fc.tuple(name, fc.constantFrom('', '\0', '\0\0rest', '  ', ' \0'), fc.nat({ max: 5 }));
	fc.assert(
		fc.property(fc.array(padded, { maxLength: 40 }), (texts) => {
			const reader = new RepeatedTexts();
			for (const [text, padding, start] of [...texts, ...texts]) {
				const bytes = Buffer.from(`${'x'.repeat(start)}${text}${padding}`);
				const read = reader.textOf(bytes, start, bytes.byteLength);
				t.is(read, `${text}${padding}`.replace(/\0.*$/s, '').trimEnd());
				// What it keeps is its own.
				bytes.fill(0x61);
			}
		}),
	);
});
