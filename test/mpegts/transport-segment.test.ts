import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { MediaError } from '#lib/errors.js';
import { Track } from '#lib/model/track.js';
import type { Sample } from '#lib/mp4/sample-times.js';
import { nalUnits } from '#lib/mpegts/access-unit.js';
import { adtsHeaders } from '#lib/mpegts/adts.js';
import {
	numberTables,
	TABLES_BYTES,
	type TransportTrack,
	transportBytesAtMost,
	transportSegment,
} from '#lib/mpegts/transport-segment.js';
import { withFfmpeg } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const PACKET_BYTES = 188;

const video = new Track({
	number: 1,
	type: 'video',
	codecId: 'V_MPEG4/ISO/AVC',
	codec: 'avc1.42c028',
	name: null,
	codecPrivate: new Uint8Array(0),
	defaultDurationNs: null,
	entry: new Uint8Array(0),
	nalFormat: 'length-prefixed',
	nalLengthBytes: 4,
});
const audio = audioTrack('1190');

function audioTrack(config: string): Track {
	return new Track({
		number: 2,
		type: 'audio',
		codecId: 'A_AAC',
		codec: 'mp4a.40.2',
		name: null,
		codecPrivate: Buffer.from(config, 'hex'),
		sampleRate: 48_000,
		channels: 2,
		defaultDurationNs: null,
		entry: new Uint8Array(0),
	});
}

const sets = [Buffer.from('67aabb', 'hex'), Buffer.from('68cc', 'hex')];

/** A frame of one NAL unit. */
function videoFrameOf(ms: number, sizeBytes: number, keyframe = false): Sample {
	const unit = Buffer.alloc(sizeBytes + 1, 0xab);
	unit[0] = keyframe ? 0x65 : 0x41;
	const length = Buffer.alloc(4);
	length.writeUInt32BE(unit.byteLength);
	return { data: Buffer.concat([length, unit]), ms, durationMs: null, keyframe };
}

function audioOf(ms: number, sizeBytes: number): Sample {
	return { data: Buffer.alloc(sizeBytes, 0xcd), ms, durationMs: 1024 / 48, keyframe: true };
}

/** A transport packet, read by this test's own code. */
interface Packet {
	readonly pid: number;
	readonly isStart: boolean;
	readonly counter: number;
	readonly hasPayload: boolean;
	readonly clock: number | null;
	readonly isRandomAccess: boolean;
	readonly payload: Buffer;
}

function packetsOf(segment: Uint8Array): Packet[] {
	const packets: Packet[] = [];
	for (let at = 0; at < segment.byteLength; at += PACKET_BYTES) {
		const bytes = Buffer.from(segment.subarray(at, at + PACKET_BYTES));
		if (bytes[0] !== 0x47 || bytes.byteLength !== PACKET_BYTES) throw new Error(`no packet at ${at}`);
		const control = ((bytes[3] as number) >> 4) & 3;
		const fieldBytes = control & 2 ? 1 + (bytes[4] as number) : 0;
		const flags = fieldBytes > 1 ? (bytes[5] as number) : 0;
		packets.push({
			pid: bytes.readUInt16BE(1) & 0x1fff,
			isStart: ((bytes[1] as number) & 0x40) !== 0,
			counter: (bytes[3] as number) & 15,
			hasPayload: (control & 1) !== 0,
			clock: flags & 0x10 ? bytes.readUInt32BE(6) * 2 + ((bytes[10] as number) >> 7) : null,
			isRandomAccess: (flags & 0x40) !== 0,
			payload: bytes.subarray(4 + fieldBytes),
		});
	}
	return packets;
}

/** The PES packets of a stream: times, and what is in them. */
function pesOf(packets: readonly Packet[], pid: number): { shown: number; decoded: number; data: Buffer }[] {
	const bodies: Buffer[][] = [];
	for (const packet of packets.filter((candidate) => candidate.pid === pid && candidate.hasPayload)) {
		if (packet.isStart) bodies.push([]);
		bodies.at(-1)?.push(packet.payload);
	}
	return bodies.map((slices) => {
		const bytes = Buffer.concat(slices);
		if (bytes.readUIntBE(0, 3) !== 1) throw new Error('no PES packet');
		const time = (at: number): number =>
			(((bytes[at] as number) >> 1) & 7) * 2 ** 30 +
			(bytes.readUInt16BE(at + 1) >> 1) * 2 ** 15 +
			(bytes.readUInt16BE(at + 3) >> 1);
		const shown = time(9);
		const length = bytes.readUInt16BE(4);
		const data = bytes.subarray(9 + (bytes[8] as number));
		if (length !== 0 && length !== bytes.byteLength - 6) throw new Error('a PES packet of another length');
		return { shown, decoded: bytes[7] === 0xc0 ? time(14) : shown, data };
	});
}

testProp(
	'continuity counters continue from segment to segment, PCRs precede decode times, and no byte is lost',
	[
		fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 }),
		fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 40 }),
		fc.integer({ min: 0, max: 2 ** 42 }),
	],
	(t, videoSizes, audioSizes, startMs) => {
		const samples = videoSizes.map((size, index) => videoFrameOf(startMs + index * 400, size, index === 0));
		const tracks: TransportTrack[] = [
			{ track: video, samples, parameterSets: sets },
			{
				track: audio,
				samples: audioSizes.map((size, index) => audioOf(startMs + (index * 1024) / 48, size)),
				parameterSets: [],
			},
		];
		const segment = transportSegment(tracks);
		const media = tracks.flatMap((track) => track.samples);
		const bound = transportBytesAtMost({
			mediaBytes: media.reduce((sum, { data }) => sum + data.byteLength, 0),
			frames: media.length,
			durationMs: Math.max(videoSizes.length * 400, (audioSizes.length * 1024) / 48),
		});
		t.true(segment.byteLength <= bound, `${segment.byteLength} of ${bound}`);
		const packets = packetsOf(segment);
		t.deepEqual(
			packets.slice(0, 2).map(({ pid, counter }) => [pid, counter]),
			[
				[0, 0],
				[0x1000, 0],
			],
		);
		for (const pid of [0x100, 0x101]) {
			let counter = 15;
			let counted = 0;
			for (const packet of packets.filter((candidate) => candidate.pid === pid)) {
				if (packet.hasPayload) {
					counter = (counter + 1) % 16;
					counted++;
				}
				t.is(packet.counter, counter);
			}
			t.is(counted % 16, 0);
		}
		const shownFrames = pesOf(packets, 0x100);
		t.is(shownFrames.length, videoSizes.length);
		for (const [index, { shown, decoded, data }] of shownFrames.entries()) {
			t.is(shown, ((startMs + index * 400) * 90) % 2 ** 33);
			t.is(decoded, shown);
			const unit = (samples[index] as Sample).data.subarray(4);
			const code = Buffer.from([0, 0, 0, 1]);
			const before = index === 0 ? sets.flatMap((set) => [code, set]) : [];
			t.deepEqual(data, Buffer.concat([code, Buffer.from([9, 0xf0]), ...before, code, unit]));
		}
		const adts = Buffer.concat(pesOf(packets, 0x101).map(({ data }) => data));
		let at = 0;
		for (const size of audioSizes) {
			t.is(adts.readUInt16BE(at), 0xfff1);
			t.is((adts.readUIntBE(at + 3, 3) >> 5) & 0x1fff, size + 7);
			t.deepEqual(adts.subarray(at + 7, at + 7 + size), Buffer.alloc(size, 0xcd));
			at += 7 + size;
		}
		t.is(at, adts.byteLength);
		const clocks = packets.filter(({ clock }) => clock !== null);
		t.true(clocks.every(({ pid }) => pid === 0x100));
		for (const [index, { clock }] of clocks.entries()) {
			if (index === 0) continue;
			const step = ((clock as number) - (clocks[index - 1]?.clock as number) + 2 ** 33) % 2 ** 33;
			t.true(step <= 9000, `${step}`);
		}
	},
	{ numRuns: 100 },
);

test('B-frames keep their presentation times, and are decoded before them', (t) => {
	// I P B B P B B
	const order = [0, 120, 40, 80, 240, 160, 200];
	const samples = order.map((ms, index) => videoFrameOf(1000 + ms, 20, index === 0));
	const segment = transportSegment([{ track: video, samples, parameterSets: sets }]);
	const pes = pesOf(packetsOf(segment), 0x100);
	t.deepEqual(
		pes.map(({ shown }) => shown / 90 - 1000),
		order,
	);
	// The segment before this one may have a frame that is shown a frame earlier.
	t.true((pes[0]?.decoded as number) > (1000 - 40) * 90);
	for (const [index, { shown, decoded }] of pes.entries()) {
		t.true(decoded < shown);
		if (index > 0) t.true(decoded > (pes[index - 1]?.decoded as number));
	}
});

test('the PAT and PMT are numbered in a copy, and the segment stays unchanged', (t) => {
	const segment = transportSegment([
		{ track: video, samples: [videoFrameOf(0, 5, true)], parameterSets: sets },
	]);
	const before = Buffer.from(segment);
	const tables = numberTables(segment, 35);
	t.deepEqual(segment, before);
	t.deepEqual(
		packetsOf(tables).map(({ counter }) => counter),
		[3, 3],
	);
	t.is(tables.byteLength, TABLES_BYTES);
});

withFfmpeg('ffprobe finds the program, and its counters and checksums are right', async (t) => {
	const file = join(await temporaryDirectory(t), 'made.ts');
	const samples = Array.from({ length: 50 }, (_, index) => audioOf((index * 1024) / 48, 100));
	const segments = [0, 1, 2].map((sequence) => {
		const segment = transportSegment([{ track: audio, samples, parameterSets: [] }]);
		return Buffer.concat([numberTables(segment, sequence), segment.subarray(TABLES_BYTES)]);
	});
	await writeFile(file, Buffer.concat(segments));
	const { stdout, stderr } = await run('ffprobe', ['-v', 'debug', '-show_streams', file]);
	t.regex(stdout, /codec_name=aac/);
	t.notRegex(stderr, /Continuity check failed|CRC|corrupt/i);
});

test('ADTS has the object type, rate and channels of the configuration; SBR is implied', (t) => {
	const header = (config: string): string =>
		Buffer.from(adtsHeaders(audioTrack(config))(100)).toString('hex');
	t.is(header('1190'), 'fff14c800d7ffc');
	t.is(header('1208'), 'fff150400d7ffc');
	// HE-AAC: LC at 24 kHz, played at 48 kHz.
	t.is(header('2b118800'), 'fff158800d7ffc');
	for (const config of ['', '00', 'f8', '1780', '1180', '11f8', 'f9c0']) {
		t.throws(() => adtsHeaders(audioTrack(config)), { instanceOf: MediaError }, config);
	}
	t.throws(() => adtsHeaders(audio)(9000), { instanceOf: MediaError });
});

test('NAL units are found by lengths and by start codes, and what has neither is refused', (t) => {
	const units = [Buffer.from('67aa', 'hex'), Buffer.from('65bbcc', 'hex')];
	const asHex = (frame: string): string[] =>
		nalUnits(video, Buffer.from(frame, 'hex')).map((unit) => Buffer.from(unit).toString('hex'));
	const expected = units.map((unit) => unit.toString('hex'));
	t.deepEqual(asHex('0000000267aa0000000365bbcc'), expected);
	t.deepEqual(asHex('0000000167aa00000165bbcc'), expected);
	t.throws(() => asHex('0000000967aa'), { instanceOf: MediaError });
});
