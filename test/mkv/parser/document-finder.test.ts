import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { elementHeader, master, string } from '#lib/ebml/ebml-writer.js';
import { ebmlHeader } from '#lib/mkv/matroska-writer.js';
import { findDocument } from '#lib/mkv/parser/document-finder.js';

const segment = elementHeader('Segment', 0, { isSizeUnknown: true });
const document = Buffer.concat([...ebmlHeader('webm'), segment]);
const searched = { isFinal: false, withSegments: false };

function find(bytes: Buffer, options = searched) {
	return findDocument(bytes, 0, bytes.byteLength, options);
}

test('a document is an EBML header of Matroska or WebM and a Segment', (t) => {
	const at = (bytes: Buffer) => find(Buffer.concat([Buffer.alloc(5), bytes, Buffer.alloc(5000)]))?.at ?? null;
	t.is(at(document), 5);
	t.is(at(Buffer.concat([...ebmlHeader(), Buffer.of(0xec, 0x80), segment])), 5);
	t.is(at(Buffer.concat([...ebmlHeader(), Buffer.alloc(20, 0xa3)])), null);
	t.is(at(Buffer.concat([...master('EBML', [string('DocType', 'matrix')]), segment])), null);
	t.is(at(Buffer.concat([...master('EBML', []), segment])), null);
	t.is(at(Buffer.from('1a45dfa3', 'hex')), null);
	t.is(at(Buffer.from('1a45dfa3ff', 'hex')), null);
});

test('a Segment alone is found where that is asked for', (t) => {
	const bytes = Buffer.concat([Buffer.alloc(3), segment, Buffer.of(0xec, 0x80), Buffer.alloc(30)]);
	t.is(find(bytes), null);
	t.is(find(bytes, { isFinal: false, withSegments: true })?.at, 3);
	const alone = Buffer.concat([Buffer.alloc(3), segment, Buffer.alloc(30)]);
	t.is(find(alone, { isFinal: false, withSegments: true }), null);
});

test('a document cut anywhere needs more bytes, and is not found at the end of the input', (t) => {
	for (let length = 1; length < document.byteLength - 8; length++) {
		const part = document.subarray(0, length);
		const found = find(part);
		t.is(found?.at, 0);
		t.true((found?.needsBytes ?? 0) > length, `${length}`);
		t.true((found?.needsBytes ?? 0) <= document.byteLength, `${length}`);
		t.is(find(part, { isFinal: true, withSegments: false }), null);
	}
});

testProp(
	'a document is found among any other bytes',
	[fc.uint8Array({ size: '+1' }), fc.uint8Array({ size: '+1' })],
	(t, before, after) => {
		const bytes = Buffer.concat([before, document, after]);
		let at = 0;
		for (;;) {
			const found = findDocument(bytes, at, bytes.byteLength, { isFinal: true, withSegments: false });
			t.not(found, null);
			if (found === null || found.at === before.byteLength) break;
			at = found.at + 1;
		}
	},
);
