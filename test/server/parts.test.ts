import { readFile } from 'node:fs/promises';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import {
	firstSequenceAfter,
	mintFragmentNumber,
	readFragmentNumber,
} from '#lib/server/store/fragment-number.js';
import { permutedPosition } from '#lib/server/store/page-permutation.js';
import { serviceTags } from '#lib/server/wire/chunk-writer.js';
import { EpochSeconds, wireJson } from '#lib/server/wire/wire-json.js';
import { sample, testWith } from '../helpers/needs.js';

test('mints and reads fragment numbers as the service makes them', (t) => {
	const table: [string, bigint, number][] = [
		['91343852333181432392682062607743920146159169392', 1n, 1511852109126],
		['91343852333181432397633822764885441725874549018', 2n, 1511852110915],
		['91343852333181432402585582922026963247510532162', 3n, 1511852112487],
		['91343852338381417542203754135250098963782391502', 1050128639n, 1519074132668],
		['91343852333713038908964877623801423530396737899', 107357082n, 1537574915281],
	];
	for (const [number, sequence, serverMs] of table) {
		const parts = readFragmentNumber(number);
		t.like(parts, { sequence, serverMs });
		t.is(mintFragmentNumber({ sequence, serverMs, random: parts?.random ?? 0 }), number);
	}
	t.is(readFragmentNumber('12'), null);
	t.is(readFragmentNumber('9'.repeat(60)), null);
	t.deepEqual([null, 1n, 5n, 999n, 1000n, 1001n].map(firstSequenceAfter), [
		1n,
		1001n,
		1001n,
		1001n,
		2001n,
		2001n,
	]);
});

testWith('output_get_media.mkv')('writes the service tags to the byte', async (t) => {
	const number = '91343852333181432392682062607743920146159169392';
	const tags = serviceTags({ number, serverMs: 1511852109126, producerMs: 1511852108513 });
	const ascii = (text: string) => Buffer.from(text).toString('hex');
	t.is(
		Buffer.from(tags).toString('hex'),
		[
			'1254c367100000eb',
			'7373100000e5',
			`67c81000005b45a310000020${ascii('AWS_KINESISVIDEO_FRAGMENT_NUMBER')}44871000002f${ascii(number)}`,
			`67c81000003b45a310000021${ascii('AWS_KINESISVIDEO_SERVER_TIMESTAMP')}44871000000e${ascii('1511852109.126')}`,
			`67c81000003d45a310000023${ascii('AWS_KINESISVIDEO_PRODUCER_TIMESTAMP')}44871000000e${ascii('1511852108.513')}`,
		].join(''),
	);
	t.true(Buffer.from(serviceTags({ number: '1', serverMs: 0, producerMs: 5000 })).includes('5.000'));
	const capture = await readFile(sample('output_get_media.mkv'));
	t.deepEqual(Buffer.from(tags), capture.subarray(0x394, 0x487));
});

test('writes doubles as Java does', (t) => {
	const written = [
		0, 5, 1500, 9_999_999_999, 10_000_000_000, 1577156925312, 1551924009774, 1600000000000, -1,
	].map((timeMs) => wireJson(new EpochSeconds(timeMs)));
	t.deepEqual(written, [
		'0.0',
		'0.005',
		'1.5',
		'9999999.999',
		'1.0E7',
		'1.577156925312E9',
		'1.551924009774E9',
		'1.6E9',
		'-0.001',
	]);
});

testProp(
	'a time on the wire is read back to the millisecond',
	[fc.integer({ min: -1e14, max: 1e14 })],
	(t, timeMs) => {
		t.is(Math.round(Number(wireJson(new EpochSeconds(timeMs))) * 1000), timeMs);
	},
	{ examples: [[1577156925312]] },
);

testProp(
	'pages are complete and without duplicates, whatever their size',
	[fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 1000 })],
	(t, count, pageSize) => {
		const seen = new Set<number>();
		for (let first = 0; first < count; first += pageSize) {
			for (let index = first; index < Math.min(first + pageSize, count); index++) {
				seen.add(permutedPosition(index, count));
			}
		}
		t.is(seen.size, count);
		t.true([...seen].every((position) => position >= 0 && position < count));
	},
);

test('results are in no order, within a page and across pages', (t) => {
	for (const count of [2, 3, 5, 100, 1000]) {
		const positions = Array.from({ length: count }, (_, index) => permutedPosition(index, count));
		t.notDeepEqual(
			positions,
			positions.toSorted((a, b) => a - b),
			`${count}`,
		);
	}
	const first = Array.from({ length: 100 }, (_, index) => permutedPosition(index, 1000));
	t.true(Math.max(...first) > 900 && Math.min(...first) < 100);
});
