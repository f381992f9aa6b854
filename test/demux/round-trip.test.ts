/* `npm run fuzz` does many more. */
import { testProp } from '@fast-check/ava';
import fc from 'fast-check';
import { anyDocument, bytesOf, eventsOf, summaryOf } from './document-model.js';
import { cutAt, grammarFault, readEvents } from './read-events.js';

testProp(
	'every document becomes the expected events',
	[fc.array(anyDocument, { minLength: 1, maxLength: 3 })],
	(t, documents) => {
		const { events, error } = readEvents([Buffer.concat(documents.map(bytesOf))]);
		t.is(error, null);
		t.is(grammarFault(events), null);
		t.deepEqual(events.filter(({ type }) => type !== 'gap').map(summaryOf), eventsOf(documents));
	},
	{ numRuns: 150 },
);

testProp(
	'where the chunks are cut makes no difference',
	[fc.array(anyDocument, { minLength: 1, maxLength: 2 }), fc.array(fc.nat(), { maxLength: 40 })],
	(t, documents, places) => {
		const bytes = Buffer.concat(documents.map(bytesOf));
		const whole = readEvents([bytes]);
		t.deepEqual(readEvents(cutAt(bytes, places)).events.map(summaryOf), whole.events.map(summaryOf));
	},
	{ numRuns: 100 },
);

testProp(
	'the bytes of each document come with its end, wherever the chunks are cut',
	[fc.array(anyDocument, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(), { maxLength: 40 })],
	(t, documents, places) => {
		const expected = documents.map(bytesOf);
		const chunks = cutAt(Buffer.concat(expected), places);
		const documentsOf = (options: { keepDocuments?: boolean }): (Buffer | null)[] =>
			readEvents(chunks, options).events.flatMap((event) =>
				event.type === 'fragment-end' ? [event.document && Buffer.concat(event.document)] : [],
			);
		t.deepEqual(documentsOf({ keepDocuments: true }), expected);
		t.deepEqual(
			documentsOf({}),
			expected.map(() => null),
		);
	},
	{ numRuns: 100 },
);

testProp(
	'chunks cut at every byte, and of one byte each, give the same events',
	[anyDocument],
	(t, document) => {
		const bytes = bytesOf(document);
		const whole = JSON.stringify(readEvents([bytes]).events);
		const step = Math.ceil(bytes.byteLength / 100);
		for (let place = 0; place < bytes.byteLength; place += step) {
			t.is(JSON.stringify(readEvents(cutAt(bytes, [place])).events), whole);
		}
		t.is(JSON.stringify(readEvents(Array.from(bytes, (byte) => Uint8Array.of(byte))).events), whole);
	},
	{ numRuns: 15 },
);
