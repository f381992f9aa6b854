import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { master, unsigned } from '#lib/ebml/ebml-writer.js';
import { MediaError } from '#lib/errors.js';
import { MAX_TIMECODE_SCALE_NS } from '#lib/mkv/limits.js';
import { block, cluster, ebmlHeader, info } from '#lib/mkv/matroska-writer.js';
import { MAX_TIME_MS } from '#lib/model/max-time.js';
import type { MediaEvent } from '#lib/model/media-event.js';
import { fragmentDocument, frameBlock, serviceTags, videoTrack } from '../helpers/media/payload.js';
import { readEvents } from './read-events.js';

const maxSeconds = MAX_TIME_MS / 1000;

interface TimedDocument {
	readonly scaleNs?: number;
	readonly timecodes?: readonly bigint[];
	readonly relativeTicks?: number;
	readonly durationTicks?: number;
	readonly producerSeconds?: string;
	readonly serverSeconds?: string;
}

function timed(document: TimedDocument): Buffer {
	const { scaleNs = 1_000_000, timecodes = [0n], relativeTicks = 0, durationTicks } = document;
	const { producerSeconds, serverSeconds = '1000' } = document;
	return Buffer.concat([
		...ebmlHeader(),
		...master('Segment', [
			info(scaleNs),
			master('Tracks', [videoTrack]),
			serviceTags({
				FRAGMENT_NUMBER: '1',
				SERVER_TIMESTAMP: serverSeconds,
				...(producerSeconds === undefined ? {} : { PRODUCER_TIMESTAMP: producerSeconds }),
			}),
			...timecodes.map((timecode) =>
				cluster(timecode, block({ ...frameBlock(0, { relativeTicks }), durationTicks })),
			),
		]),
	]);
}

/** What a consumer does with events; throws where a time is none. */
function useTimes(events: readonly MediaEvent[]): void {
	JSON.stringify(events);
	for (const event of events) {
		if (event.type === 'gap') [event.from, event.to].map((date) => date.toISOString());
		if (event.type !== 'frame') continue;
		event.timestamp?.toISOString();
		new Date(Number(event.timecodeNs / 1_000_000n)).toISOString();
	}
}

const impossible: readonly [string, TimedDocument][] = [
	['a Timecode of 2^64 - 1', { timecodes: [2n ** 64n - 1n] }],
	['a Timecode just past the last time', { timecodes: [BigInt(MAX_TIME_MS) + 1n] }],
	[
		'a large Timecode of a large scale',
		{ timecodes: [100_000_000_000_000n], scaleNs: MAX_TIMECODE_SCALE_NS },
	],
	['a block past the last time', { timecodes: [BigInt(MAX_TIME_MS)], relativeTicks: 1 }],
	['a block past the last time of the producer', { producerSeconds: `${maxSeconds}`, relativeTicks: 1 }],
	['a second Cluster past it', { producerSeconds: `${maxSeconds}`, timecodes: [0n, 1n] }],
	["a producer's time past it", { producerSeconds: `${maxSeconds + 1}` }],
	["a producer's time of 400 digits", { producerSeconds: '9'.repeat(400) }],
	["a server's time past it", { serverSeconds: '99999999999999.5' }],
	['a BlockDuration past it', { durationTicks: MAX_TIME_MS + 1024 }],
];

test('times that no date can hold are malformed at their place', (t) => {
	for (const [name, document] of impossible) {
		const bytes = timed(document);
		const { events, error } = readEvents([bytes]);
		t.true(error instanceof MediaError, name);
		t.is((error as MediaError).code, 'KVS_MKV_MALFORMED', name);
		const offset = (error as MediaError).offset as number;
		t.true(offset > 0 && offset < bytes.byteLength, `${name}: ${offset}`);
		t.is(events.at(-1)?.type === 'fragment-end' || events.at(-1)?.type === 'fragment-failure', true);
		t.notThrows(() => useTimes(events), name);
	}
});

test('the last times that a date can hold are times', (t) => {
	const possible: TimedDocument[] = [
		{ timecodes: [BigInt(MAX_TIME_MS)] },
		{ timecodes: [BigInt(MAX_TIME_MS) - 5n], relativeTicks: 5 },
		{ producerSeconds: `${maxSeconds}`, serverSeconds: `${maxSeconds}` },
		{ producerSeconds: '0', relativeTicks: -0x8000, scaleNs: MAX_TIMECODE_SCALE_NS },
	];
	for (const document of possible) {
		const { events, error } = readEvents([timed(document)]);
		t.is(error, null);
		t.is(events.filter(({ type }) => type === 'frame').length, 1);
		t.notThrows(() => useTimes(events));
	}
});

test('no gap has an invalid time', (t) => {
	const [producerMs, serverMs] = [MAX_TIME_MS - 200, 0];
	const first = fragmentDocument({
		number: '1',
		producerMs,
		serverMs,
		blocks: [0, 1].map((index) => frameBlock(index, { relativeTicks: index * 110 })),
	});
	const { events, error } = readEvents([
		first,
		fragmentDocument({ number: '2', producerMs: MAX_TIME_MS - 10, serverMs }),
	]);
	t.is(error, null);
	t.notThrows(() => useTimes(events));
});

testProp(
	'any times are times of events, or malformed',
	[
		fc.record({
			scaleNs: fc.constantFrom(1, 1000, 1_000_000, 1_000_000_000, MAX_TIMECODE_SCALE_NS),
			timecodes: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 3 }),
			relativeTicks: fc.integer({ min: -0x8000, max: 0x7fff }),
			durationTicks: fc.oneof(fc.constant(undefined), fc.maxSafeNat()),
			producerSeconds: fc.oneof(fc.constant('0'), fc.maxSafeNat().map(String)),
		}),
	],
	(t, { durationTicks, ...document }) => {
		const { events, error } = readEvents([
			timed(durationTicks === undefined ? document : { ...document, durationTicks }),
		]);
		t.true(error === null || error instanceof MediaError);
		t.notThrows(() => useTimes(events));
	},
);

test('an invalid TimecodeScale is malformed', (t) => {
	for (const scaleNs of [0n, BigInt(MAX_TIMECODE_SCALE_NS) + 1n, 2n ** 64n - 1n]) {
		const document = Buffer.concat([
			...ebmlHeader(),
			...master('Segment', [master('Info', [unsigned('TimecodeScale', scaleNs)])]),
		]);
		t.is((readEvents([document]).error as MediaError).code, 'KVS_MKV_MALFORMED');
	}
});
