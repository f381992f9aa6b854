import { fc, testProp } from '@fast-check/ava';
import { laceFrames, XIPH_LACING } from '#lib/mkv/lacing.js';
import { bothTracks, clusterOf, endOfFragment, frame, header, tags, UNSIZED, voidElement } from './body.js';
import { type Ending, outline, piecesOf, type Reading, read } from './record.js';

const audio = frame(3, { trackNumber: 2 });

/** The parts of a valid body, which may come in any order. */
const parts: readonly Buffer[] = [
	header({ tracks: bothTracks, more: tags(['site', 'north']) }),
	clusterOf(1000, [frame(0), audio, frame(40, { durationTicks: 40 })]),
	Buffer.concat(tags(['door', 'open'])),
	clusterOf(2000, [frame(0), audio], UNSIZED),
	Buffer.concat(endOfFragment),
	Buffer.concat([...voidElement(4), ...tags(['late', '1'])]),
	clusterOf(3000, [
		audio,
		frame(7, { flags: XIPH_LACING, data: laceFrames([Buffer.from('a'), Buffer.of()]) }),
	]),
	Buffer.concat(voidElement(9)),
	clusterOf(4000, [frame(0), audio], UNSIZED),
];
const valid = Buffer.concat(parts);

const place = fc.nat({ max: valid.byteLength - 1 });
const edit = fc.oneof(
	fc.record({ kind: fc.constant('set' as const), at: place, byte: fc.nat({ max: 255 }) }),
	fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat({ max: 7 }) }),
	fc.record({ kind: fc.constant('cut' as const), at: place, count: fc.integer({ min: 1, max: 40 }) }),
	fc.record({
		kind: fc.constant('insert' as const),
		at: place,
		bytes: fc.oneof(
			fc.uint8Array({ maxLength: 20 }),
			fc.constantFrom(...parts),
			fc
				.constantFrom('01ffffffffffffff', '0100000fffffffff', 'ff', '1f43b675', '1254c367')
				.map((hex) => Buffer.from(hex, 'hex')),
		),
	}),
	fc.record({ kind: fc.constant('repeat' as const), at: place, count: fc.integer({ min: 1, max: 200 }) }),
);
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function edited(body: Buffer, change: Edit): Buffer {
	const at = Math.min(change.at, body.byteLength);
	const [before, after] = [body.subarray(0, at), body.subarray(at)];
	const first = after[0] ?? 0;
	switch (change.kind) {
		case 'set':
			return Buffer.concat([before, Buffer.of(change.byte), after.subarray(1)]);
		case 'flip':
			return Buffer.concat([before, Buffer.of(first ^ (1 << change.bit)), after.subarray(1)]);
		case 'cut':
			return Buffer.concat([before, after.subarray(change.count)]);
		case 'insert':
			return Buffer.concat([before, change.bytes, after]);
		case 'repeat':
			return Buffer.concat([before, after.subarray(0, change.count), after]);
	}
}

/** What must hold of every reading, whatever the body was. */
function faultOf(reading: Reading, body: Buffer, ending: Ending): string | null {
	if (reading.fragments.some(({ outcome }) => outcome === 'open')) return 'a fragment was left open';
	const dropped = reading.fragments.filter(({ outcome }) => outcome === 'dropped');
	if (dropped.length > 1 || (dropped[0] !== undefined && dropped[0] !== reading.fragments.at(-1))) {
		return 'a fragment was dropped that is not the last';
	}
	if (ending === 'end' && dropped.length > 0 && reading.error === null) return 'dropped without an error';
	if (dropped.length > 0 && reading.error?.timecodeTicks === null) return 'the error is about no fragment';
	let from = 0;
	for (const { outcome, bytes, leadingTags } of reading.fragments) {
		const at = body.indexOf(bytes, from);
		if (at < 0) return 'bytes that are not in the body, or not in order';
		from = at + bytes.byteLength;
		if (typeof outcome === 'string') continue;
		if (outcome.sizeBytes !== bytes.byteLength + leadingTags.byteLength) return 'a wrong size';
		if (outcome.frames < 2 || outcome.minTicks > outcome.maxTicks) return 'a fragment without both tracks';
	}
	return null;
}

testProp(
	'a damaged body gives an error or complete fragments, the same however it is split',
	[
		fc.oneof(
			fc.constant(valid),
			fc.shuffledSubarray([...parts], { minLength: 2 }).map((some) => Buffer.concat(some)),
		),
		fc.array(edit, { minLength: 1, maxLength: 4 }),
		fc.integer({ min: 1, max: 50 }),
		fc.constantFrom('end' as const, 'lost' as const),
	],
	(t, original, edits, pieceBytes, ending) => {
		const body = edits.reduce(edited, original);
		const reading = read([body], { ending });
		t.is(faultOf(reading, body, ending), null);
		t.deepEqual(outline(read(piecesOf(body, pieceBytes), { ending })), outline(reading));
	},
	{ numRuns: 1000 },
);

testProp(
	'arbitrary bytes give an error or complete fragments',
	[fc.uint8Array({ maxLength: 300 }), fc.boolean()],
	(t, bytes, hasHeader) => {
		const body = hasHeader ? Buffer.concat([parts[0] as Buffer, bytes]) : Buffer.from(bytes);
		t.is(faultOf(read([body]), body, 'end'), null);
	},
	{ numRuns: 1000 },
);
