import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testProp } from '@fast-check/ava';
import fc from 'fast-check';
import { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } from 'mediabunny';
import { readBoxes } from '#lib/mp4/box-tree.js';
import { fastStart } from '#lib/mp4/fast-start.js';
import { timescaleOf } from '#lib/mp4/track-timescale.js';
import { createMp4Muxer } from '#lib/muxing/mp4-muxer.js';
import type { PlacedFrame } from '#lib/muxing/muxer.js';
import { decodedHashes } from '../helpers/media/decoding.js';
import {
	madeTrack,
	muxed,
	type PlacedRecording,
	placedFrame,
	placedRecording,
} from '../helpers/media/muxing.js';
import { makeRecording, type Packet, probe, recordings, tone } from '../helpers/media/recordings.js';
import { sample, testWith, withFfmpeg } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const never = new AbortController().signal;

/** Times of frames as they must come out of a file that begins at 0, in seconds, by track in decode order. */
function expectedPackets({
	tracks,
	fragments,
}: PlacedRecording): { seconds: number; ticks: number; placed: PlacedFrame }[] {
	const originMs = Math.min(0, ...(fragments[0] ?? []).map(({ ms }) => ms));
	return tracks.flatMap((track) =>
		fragments
			.flat()
			.filter((placed) => placed.track === track)
			.map((placed) => ({ seconds: (placed.ms - originMs) / 1000, ticks: timescaleOf(track), placed })),
	);
}

async function endSeconds(file: Uint8Array): Promise<number> {
	const input = new Input({ source: new BufferSource(file), formats: ALL_FORMATS });
	try {
		return await input.computeDuration();
	} finally {
		input.dispose();
	}
}

const files: Record<string, { make?: readonly string[]; sample?: string; brand: 'mp4' | 'mov' }> = {
	...Object.fromEntries(
		Object.entries(recordings).map(([name, make]) => [
			name,
			{ make, brand: name === 'µ-law' ? 'mov' : 'mp4' },
		]),
	),
	'B-frames in MOV': { make: recordings['B-frames and AAC'], brand: 'mov' },
	'16-bit PCM in MOV': { make: recordings['16-bit PCM'], brand: 'mov' },
	'a recording': { sample: 'vogels_480.mkv', brand: 'mp4' },
	GetMedia: { sample: 'output_get_media.mkv', brand: 'mp4' },
	'sparse fragments': { sample: 'output_get_media_sparse_fragments.mkv', brand: 'mp4' },
	'several Clusters': { sample: 'clusters.mkv', brand: 'mov' },
};

for (const [name, { make, sample: sampleName, brand }] of Object.entries(files)) {
	const needs = sampleName === undefined ? [] : [sampleName];
	testWith('ffmpeg', ...needs)(`players see ${name} as it was, fragmented and not`, async (t) => {
		const directory = await temporaryDirectory(t);
		const source = make ? await makeRecording(make) : sample(sampleName as string);
		const recording = await placedRecording(source);
		const create = (restored: Parameters<typeof createMp4Muxer>[2]) =>
			createMp4Muxer(recording.tracks, { brand }, restored);
		const bytes = await muxed(create, recording.fragments);
		t.true(
			bytes.equals(await muxed(create, recording.fragments, { isRestored: true })),
			'restored before every fragment',
		);
		const file = join(directory, `out.${brand}`);
		const classic = join(directory, `classic.${brand}`);
		await writeFile(file, bytes);
		await fastStart(file, classic, never);
		const expected = expectedPackets(recording);
		const audioCodec = recording.tracks[1]?.codec ?? null;
		// PCM is cut into frames otherwise where a file says how long each is; how much of the last frame of Opus is to be
		// heard is said by Matroska in a place of its own.
		const isComparable = make !== undefined && audioCodec?.startsWith('pcm') === false;
		const hashes = isComparable
			? (await decodedHashes(source)).hashes.slice(0, audioCodec === 'opus' ? -1 : undefined)
			: null;
		const end = Math.max(
			...expected.map(({ seconds, placed }) => seconds + (placed.frame.durationMs ?? 0) / 1000),
		);
		const durations: number[] = [];
		for (const path of [file, classic]) {
			// Long recordings are decoded once: both files have the packets that are compared below.
			if (make !== undefined || path === file) {
				const { hashes: decodedFrames, ...decoded } = await decodedHashes(path);
				t.deepEqual(decoded, { code: 0, stderr: '' });
				if (hashes !== null) t.deepEqual(decodedFrames.slice(0, hashes.length), hashes);
			}
			const { packets, durationSeconds: duration } = await probe(path);
			durations.push(duration);
			t.is(packets.length, expected.length);
			// An assertion for each of so many packets would take longer than all else.
			const wrong = expected.filter(({ seconds, ticks, placed }, index) => {
				const packet = packets[index] as Packet;
				// Opus begins with what its decoder needs and is not played: it comes before the file's start.
				const delaySeconds = placed.track.codec === 'opus' ? placed.track.codecDelayNs / 1e9 : 0;
				const differenceSeconds = Math.abs(packet.ptsSeconds - (seconds - delaySeconds));
				const isInTime = differenceSeconds <= 1 / ticks + 1e-6;
				const isKey = placed.track.type === 'audio' || placed.frame.keyframe;
				return !isInTime || packet.sizeBytes !== placed.frame.data.byteLength || packet.isKey !== isKey;
			});
			const first = expected.indexOf(wrong[0] as (typeof expected)[number]);
			t.is(wrong.length, 0, `${path} ${first}: ${JSON.stringify(packets[first])} for ${wrong[0]?.seconds} s`);
			t.true(duration >= end - 0.002 && duration < end + 0.15, `${duration} for ${end}`);
		}
		// ffprobe counts what comes before the start.
		const preSkipSeconds = audioCodec === 'opus' ? 0.0065 : 0;
		const endsApart = (await endSeconds(bytes)) + preSkipSeconds - (durations[0] as number);
		t.true(Math.abs(endsApart) < 0.002);
	});
}

for (const brand of ['mp4', 'mov'] as const) {
	withFfmpeg(`PCM of every bit depth that ${brand} supports is written without loss`, async (t) => {
		const directory = await temporaryDirectory(t);
		const deep = ['pcm_u8', 'pcm_s24le', 'pcm_s24be', 'pcm_s32le', 'pcm_f32le'];
		for (const encoder of ['pcm_s16le', 'pcm_s16be', ...(brand === 'mov' ? deep : [])]) {
			const source = await makeRecording([...tone(8000), '-ac', '2', '-c:a', encoder]);
			const recording = await placedRecording(source);
			const file = join(directory, `${encoder}.${brand}`);
			const bytes = await muxed(
				(restored) => createMp4Muxer(recording.tracks, { brand }, restored),
				recording.fragments,
			);
			await writeFile(file, bytes);
			const classic = join(directory, `${encoder}-classic.${brand}`);
			await fastStart(file, classic, never);
			const paths = [source, file, classic];
			const { code, stdout, stderr } = await run('ffmpeg', [
				...'-nostdin -v error'.split(' '),
				...paths.flatMap((path) => ['-i', path]),
				...paths.flatMap((_, index) => ['-map', `${index}`, '-c:a', 'pcm_s32le', '-f', 'md5', '-']),
			]);
			t.is(code, 0, stderr);
			const [expected, ...others] = stdout.trim().split('\n');
			t.deepEqual(others, [expected, expected], encoder);
		}
	});
}

withFfmpeg('mediabunny reads the same packets', async (t) => {
	const recording = await placedRecording(await makeRecording(recordings['B-frames and AAC']));
	const bytes = await muxed(
		(restored) => createMp4Muxer(recording.tracks, { brand: 'mp4' }, restored),
		recording.fragments,
	);
	const input = new Input({ source: new BufferSource(bytes), formats: ALL_FORMATS });
	const seconds: number[] = [];
	for (const track of await input.getTracks()) {
		for await (const packet of new EncodedPacketSink(track).packets()) seconds.push(packet.timestamp);
	}
	input.dispose();
	const expected = expectedPackets(recording);
	t.is(seconds.length, expected.length);
	for (const [index, { seconds: wanted, ticks }] of expected.entries()) {
		t.true(Math.abs((seconds[index] as number) - wanted) <= 1 / ticks + 1e-6);
	}
});

testWith('vogels_480.mkv')(
	'a fast start of the same file is the same, and ends with the signal',
	async (t) => {
		const path = sample('vogels_480.mkv');
		const directory = await temporaryDirectory(t);
		const recording = await placedRecording(path);
		const file = join(directory, 'out.mp4');
		await writeFile(
			file,
			await muxed(
				(restored) => createMp4Muxer(recording.tracks, { brand: 'mp4' }, restored),
				recording.fragments,
			),
		);
		const targets = ['a.mp4', 'b.mp4'].map((name) => join(directory, name));
		for (const target of targets) await fastStart(file, target, never);
		const [first, second] = await Promise.all(targets.map((target) => readFile(target)));
		t.true(first?.equals(second as Buffer));
		const reason = new Error('enough');
		await t.throwsAsync(fastStart(file, join(directory, 'c.mp4'), AbortSignal.abort(reason)), { is: reason });
		await t.throwsAsync(fastStart(path, join(directory, 'c.mp4'), never), { code: 'KVS_MEDIA_UNSUPPORTED' });
	},
);

const track = madeTrack({ codec: 'ulaw', sampleRate: 8000, channels: 1 });
const second = madeTrack({ number: 2, codec: 'ulaw', sampleRate: 8000, channels: 1 });

testProp(
	'a muxer that is restored before any fragment continues byte for byte, and sequence numbers rise',
	[
		fc.array(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 60 })), { maxLength: 6 }), {
			maxLength: 6,
		}),
	],
	async (t, shape) => {
		let ms = 0;
		const fragments = shape.map((frames) =>
			frames.map(([isFirst, stepMs]) => {
				ms += stepMs;
				return placedFrame(isFirst ? track : second, ms, Buffer.alloc(stepMs, ms));
			}),
		);
		const create = (restored: Parameters<typeof createMp4Muxer>[2]) =>
			createMp4Muxer([track, second], { brand: 'mov' }, restored);
		const whole = await muxed(create, fragments);
		t.true(whole.equals(await muxed(create, fragments, { isRestored: true })));
		const moofs = readBoxes(whole).filter(({ type }) => type === 'moof');
		const numbers = moofs.map(({ children }) => Buffer.from(children[0]?.fields ?? []).readUInt32BE(4));
		t.deepEqual(
			numbers,
			numbers.map((_, index) => index + 1),
		);
		t.is(moofs.length, fragments.filter(({ length }) => length > 0).length);
	},
);

withFfmpeg('audio before the first video frame is not lost, and the file begins with it', async (t) => {
	const frames = [placedFrame(track, 0, Buffer.alloc(160)), placedFrame(second, -20, Buffer.alloc(160))];
	const file = join(await temporaryDirectory(t), 'out.mov');
	await writeFile(
		file,
		await muxed((restored) => createMp4Muxer([track, second], { brand: 'mov' }, restored), [frames]),
	);
	t.deepEqual(
		(await probe(file)).packets.map(({ ptsSeconds }) => ptsSeconds),
		[0.02, 0],
	);
});

/** NAL units after lengths of `lengthBytes`. */
function unitsOf(bytes: Buffer, lengthBytes: number): Buffer[] {
	const units: Buffer[] = [];
	for (let at = 0; at < bytes.byteLength; ) {
		const length = bytes.readUIntBE(at, lengthBytes);
		units.push(bytes.subarray(at + lengthBytes, at + lengthBytes + length));
		at += lengthBytes + length;
	}
	return units;
}

const withStartCodes = (units: readonly Buffer[]): Buffer =>
	Buffer.concat(units.flatMap((unit) => [Buffer.of(0, 0, 0, 1), unit]));

/** Parameter sets of an avcC (one of each kind) or hvcC (three arrays of one each), as ffmpeg writes them. */
function parameterSets(record: Buffer, isAvc: boolean): Buffer[] {
	const sets: Buffer[] = [];
	let at = isAvc ? 6 : 26;
	while (sets.length < (isAvc ? 2 : 3)) {
		const length = record.readUInt16BE(at);
		sets.push(record.subarray(at + 2, at + 2 + length));
		at += 2 + length + (isAvc ? 1 : 3);
	}
	return sets;
}

for (const name of ['B-frames and AAC', 'HEVC and Opus'] as const) {
	withFfmpeg(`frames of ${name} with start codes are stored with lengths`, async (t) => {
		const directory = await temporaryDirectory(t);
		const source = await makeRecording(recordings[name]);
		const { tracks, fragments } = await placedRecording(source, { only: 'video' });
		const [original] = tracks as [(typeof tracks)[0]];
		const sets = parameterSets(Buffer.from(original.codecPrivate as Uint8Array), name === 'B-frames and AAC');
		const { type, codecId, codec, number, width, height } = original;
		const codecPrivate = withStartCodes(sets);
		const nalFormat = 'annex-b';
		const annexB = madeTrack({ type, codecId, codec, number, width, height, nalFormat, codecPrivate });
		const converted = fragments.map((frames) =>
			frames.map(({ frame, ms }) => {
				const units = unitsOf(Buffer.from(frame.data), original.nalLengthBytes ?? 4);
				return placedFrame(annexB, ms, withStartCodes(units), frame);
			}),
		);
		const file = join(directory, 'out.mp4');
		const files = [
			await muxed((restored) => createMp4Muxer(tracks, { brand: 'mp4' }, restored), fragments),
			await muxed((restored) => createMp4Muxer([annexB], { brand: 'mp4' }, restored), converted),
		];
		const media = files.map((bytes) => readBoxes(bytes).filter((box) => box.type === 'mdat'));
		t.deepEqual(media[0], media[1]);
		await writeFile(file, files[1] as Buffer);
		const decoded = await decodedHashes(file);
		t.like(decoded, { code: 0, stderr: '' });
		await writeFile(join(directory, 'first.mp4'), files[0] as Buffer);
		t.deepEqual(decoded, await decodedHashes(join(directory, 'first.mp4')));
	});
}
