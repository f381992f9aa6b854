// Longer than 300 lines: one call, from a clip of a few fragments to a range that takes several.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import {
	createRateLimiter,
	InvalidOptionError,
	type KvsArchive,
	MediaError,
	RequestError,
} from 'kvs-archive';
import type { ArchiveServerOptions } from 'kvs-archive/server';
import { decodeAll, frameHashes } from '../helpers/media/decoding.js';
import { between } from '../helpers/media/range.js';
import { makeRecording, probe } from '../helpers/media/recordings.js';
import { withFfmpeg } from '../helpers/needs.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { startServer } from '../helpers/service/start-server.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { clipOf, readClip } from '../server/clip/read-clip.js';
import {
	codedTrack,
	largeAvc,
	type Playback,
	START_MS,
	startPlayback,
	videoFragment,
	videoFragments,
} from '../server/playback/start-playback.js';

const HOUR = between(0, 3_599_000);

/** A stream `door` with so many fragments, and the archive that reads it. */
async function startDoor(
	t: ExecutionContext,
	count: number,
	options: ArchiveServerOptions = {},
): Promise<Playback & { archive: KvsArchive }> {
	const playback = await startPlayback(t, options);
	if (count > 0) await playback.ingest(videoFragments(count));
	return { ...playback, archive: openArchive(t, playback.url) };
}

test('a clip of a range within the limits is the MP4 of the service, unchanged', async (t) => {
	const { archive, url, requests } = await startDoor(t, 5);
	const clip = archive.clip(between(2000, 6000));
	t.is(clip.contentType, 'video/mp4');
	const bytes = await buffer(clip);
	t.deepEqual(bytes, await readClip(url, clipOf('PRODUCER', { from: 2000, to: 6000 })));
	const { elapsedMs: _, ...summary } = await clip.summary;
	const from = new Date(START_MS + 2000);
	const to = new Date(START_MS + 6000);
	const part = { from, to, fragments: 3, bytes: bytes.byteLength, durationMs: 6000, isShort: false };
	t.deepEqual(summary, {
		isComplete: true,
		fragments: 3,
		bytes: bytes.byteLength,
		durationMs: 6000,
		parts: [part],
		calls: requests.filter(({ operation }) => operation !== 'GetClip').length + 1,
		throttled: 0,
	});
	const server = archive.clip({ ...between(3000, 5000), by: 'server' });
	t.is((await buffer(server)).byteLength > 0 && (await server.summary).fragments, 2);
});

test('a link to a clip is signed for use without credentials', async (t) => {
	const { archive, url } = await startDoor(t, 3);
	for (const operation of ['GetClip', 'get_clip']) {
		const presigned = await archive.presign(operation, {
			ClipFragmentSelector: {
				FragmentSelectorType: 'PRODUCER_TIMESTAMP',
				TimestampRange: { StartTimestamp: HOUR.from, EndTimestamp: HOUR.to },
			},
		});
		const { method, headers, body } = presigned;
		const response = await fetch(presigned.url, { method, headers, body });
		t.is(response.headers.get('content-type'), 'video/mp4');
		t.deepEqual(Buffer.from(await response.arrayBuffer()), await readClip(url));
		t.false(archive.canPaginate(operation));
	}
});

test('rules that need no look at the stream are checked before the call', async (t) => {
	const { archive, requests } = await startDoor(t, 1);
	const refused: [unknown, string, RegExp][] = [
		[between(1000, 1000), 'to', /after `from`/],
		[between(1000, 0), 'to', /at or after `from`/],
		[between(0, 1e13, 'server'), 'to', /not in the future/],
		[{ ...HOUR, by: 'camera' }, 'by', /'server' or 'producer'/],
		[{ ...HOUR, from: 'soon' }, 'from', /./],
		[{ ...HOUR, until: 1 }, 'until', /./],
	];
	for (const [range, option, message] of refused) {
		const error = t.throws(() => archive.clip(range as typeof HOUR), { instanceOf: InvalidOptionError });
		t.is((error as InvalidOptionError).option, option);
		t.regex((error as InvalidOptionError).message, message);
	}
	const options = { strict: true } as object;
	t.throws(() => archive.clip(HOUR, options), { instanceOf: InvalidOptionError });
	t.is(requests.length, 0);
});

test('a range without a fragment, and what the service refuses, are errors', async (t) => {
	const { archive, ingest, url } = await startDoor(t, 1);
	const empty = archive.clip(between(100_000, 200_000));
	await t.throwsAsync(buffer(empty), { code: 'KVS_EMPTY_RANGE' });
	t.like(await empty.summary, { isComplete: false, fragments: 0, bytes: 0, parts: [] });
	await ingest([videoFragment(0, { tracks: [codedTrack(1, 'V_VP9', largeAvc)] })], 'codec');
	const other = openArchive(t, url, { streamName: 'codec' });
	const error = await t.throwsAsync(buffer(other.clip(HOUR)), { instanceOf: RequestError });
	t.is((error as RequestError).awsName, 'UnsupportedStreamMediaTypeException');
});

test('retries a clip that is throttled, breaks off or ends too early', async (t) => {
	const faults = [
		{ fault: 'throttle', operation: 'GetClip', nth: 1 },
		{ fault: 'cut', operation: 'GetClip', atByte: 1000, nth: 2 },
		{ fault: 'cut', operation: 'GetClip', atByte: 1000, as: 'clean', nth: 3 },
		{ fault: 'cut', operation: 'GetClip', atByte: 5, as: 'clean', nth: 4 },
	] as const;
	const { archive, url, requests } = await startDoor(t, 3, { faults });
	const clip = archive.clip(HOUR);
	const bytes = await buffer(clip);
	t.is(requests.filter(({ operation }) => operation === 'GetClip').length, 5);
	t.deepEqual(bytes, await readClip(url));
	t.like(await clip.summary, { isComplete: true, throttled: 1 });
});

test('a clip that never arrives whole is an error that says so', async (t) => {
	const faults = [{ fault: 'cut', operation: 'GetClip', atByte: 1000 }] as const;
	const { archive, requests } = await startDoor(t, 3, { faults });
	await t.throwsAsync(buffer(archive.clip(HOUR)), {
		code: 'KVS_REQUEST_FAILED',
		message: /GetClip .* broke off after 1000 bytes/,
	});
	t.is(requests.filter(({ operation }) => operation === 'GetClip').length, 5);
});

test('a longer range is divided at fragments, and costs what the service counts', async (t) => {
	const { archive, requests, ingest } = await startDoor(t, 0);
	await ingest(Array.from({ length: 450 }, (_, index) => videoFragment(index, { frames: 2, stepMs: 1000 })));
	const clip = archive.clip(HOUR);
	const bytes = await buffer(clip);
	t.deepEqual(
		requests
			.filter(({ operation }) => operation === 'GetClip')
			.map(({ fragmentsAsked, metadataPoints }) => [fragmentsAsked, metadataPoints]),
		[200, 200, 50].map((count) => [count, count]),
	);
	const { durationMs, fragments, parts, isComplete } = await clip.summary;
	t.deepEqual([durationMs, fragments, parts.length, isComplete], [900_000, 450, 3, true]);
	// Every frame is there once, in order: each has its fragment's number and its own.
	const marks: number[] = [];
	for (let at = bytes.indexOf('mdat') + 4; at < bytes.indexOf('moov'); at++) {
		if (bytes.readUInt32BE(at) === 4 && bytes[at + 7] === 0x80)
			marks.push((bytes[at + 5] as number) * 2 + (bytes[at + 6] as number));
	}
	t.deepEqual(
		marks,
		Array.from({ length: 900 }, (_, index) => ((index >> 1) % 256) * 2 + (index % 2)),
	);
});

test('points are waited for before a clip is asked for', async (t) => {
	const { url } = await startDoor(t, 5);
	const asked: object[] = [];
	const inner = createRateLimiter();
	const limiter = {
		acquire: (cost: { mediaPoints?: number; metadataPoints?: number }, signal?: AbortSignal) => {
			asked.push({ mediaPoints: cost.mediaPoints, metadataPoints: cost.metadataPoints });
			return inner.acquire(cost, signal);
		},
	};
	await buffer(openArchive(t, url, { limiter }).clip(HOUR));
	t.deepEqual(asked.at(-1), { mediaPoints: 5, metadataPoints: 5 });
	t.deepEqual(
		new Set(asked.slice(0, -1).map((cost) => JSON.stringify(cost))),
		new Set(['{"metadataPoints":1000}']),
	);
});

test('clips whose tracks differ are not joined', async (t) => {
	const { archive, ingest } = await startDoor(t, 200);
	const large = codedTrack(1, 'V_MPEG4/ISO/AVC', largeAvc);
	await ingest([videoFragment(200, { tracks: [large] })]);
	await t.throwsAsync(buffer(archive.clip(HOUR)), {
		instanceOf: MediaError,
		message: /cannot be joined: the video begins, or changes/,
	});
});

test('a clip that is shorter than its fragments says so', async (t) => {
	const { archive, ingest } = await startDoor(t, 3);
	await ingest(
		[0, 1, 2, 3, 4].map((index) => ({
			...videoFragment(100 + index, { serverMs: START_MS + 900_000 }),
			producerMs: START_MS + index * 2000 + 1000,
		})),
	);
	const clip = archive.clip(HOUR);
	await buffer(clip);
	const { isComplete, parts } = await clip.summary;
	t.false(isComplete);
	t.like(parts[0], { fragments: 8, durationMs: 6000, isShort: true });
});

/** Whether directories of clips are left in the directory for temporary files. */
async function leftovers(directory: string): Promise<string[]> {
	return (await readdir(directory)).filter((name) => name.startsWith('kvs-archive-clip-'));
}

test.serial('an abort and an early end leave no temporary files', async (t) => {
	const directory = await temporaryDirectory(t);
	const before = process.env['TMPDIR'];
	process.env['TMPDIR'] = directory;
	t.teardown(() => {
		if (before === undefined) delete process.env['TMPDIR'];
		else process.env['TMPDIR'] = before;
	});
	const faults = [{ fault: 'stall', operation: 'GetClip', atByte: 1000, nth: 1 }] as const;
	const { archive, requests } = await startDoor(t, 3, { faults });
	const reason = new Error('enough');
	t.is(await t.throwsAsync(buffer(archive.clip(HOUR, { signal: AbortSignal.abort(reason) }))), reason);
	t.is(requests.length, 0);
	const controller = new AbortController();
	const clip = archive.clip(HOUR, { signal: controller.signal });
	const failed = t.throwsAsync(buffer(clip));
	// The third request is the clip's, which stalls: endpoint, listing, endpoint, clip.
	while (!requests.some(({ operation }) => operation === 'GetClip'))
		await new Promise((resolve) => setImmediate(resolve));
	controller.abort(reason);
	t.is(await failed, reason);
	t.false((await clip.summary).isComplete);
	t.deepEqual(await leftovers(directory), []);
	const left = archive.clip(HOUR);
	for await (const _ of left) break;
	await left.summary;
	t.deepEqual(await leftovers(directory), []);
});

test('a file appears when the clip is whole, and not before', async (t) => {
	const faults = [{ fault: 'server-error', operation: 'GetClip', status: 500, times: 5 }] as const;
	const { archive, url } = await startDoor(t, 3, { faults });
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mp4');
	await writeFile(file, 'before');
	await t.throwsAsync(archive.clip(HOUR).saveTo(file), { code: 'KVS_REQUEST_FAILED' });
	t.is(await readFile(file, 'utf8'), 'before');
	t.deepEqual(await readdir(directory), ['x.mp4']);
	const { isComplete, bytes } = await archive.clip(HOUR).saveTo(file);
	t.true(isComplete);
	const written = await readFile(file);
	t.deepEqual([written.byteLength, written], [bytes, await readClip(url)]);
	await t.throwsAsync(archive.clip(HOUR).saveTo(join(directory, 'absent', 'x.mp4')), {
		code: 'KVS_SINK_FAILED',
	});
	await t.throwsAsync(archive.clip(HOUR).saveTo(''), { instanceOf: InvalidOptionError });
	const reason = new Error('enough');
	const aborted = archive.clip(HOUR, { signal: AbortSignal.abort(reason) });
	t.is(await t.throwsAsync(aborted.saveTo(join(directory, 'y.mp4'))), reason);
	t.deepEqual(await readdir(directory), ['x.mp4']);
});

/** Fragments of half a second. */
const recorded = (seconds: number, rate: number, ...codecs: string[]): string[] =>
	`-f lavfi -i testsrc2=s=96x64:r=8:d=${seconds} -f lavfi -i sine=d=${seconds}:r=${rate} -preset ultrafast`
		.split(' ')
		.concat(codecs.join(' ').split(' '));
const longSources: Readonly<Record<string, (seconds: number) => string[]>> = {
	'B-frames and AAC': (seconds) =>
		recorded(
			seconds,
			32_000,
			'-c:v libx264 -g 4 -keyint_min 4 -sc_threshold 0 -bf 2 -b_strategy 0 -c:a aac -ac 2',
		),
	'H.265 and AAC': (seconds) =>
		recorded(
			seconds,
			22_050,
			'-c:v libx265 -x265-params log-level=none:keyint=4:min-keyint=4:scenecut=0 -c:a aac',
		),
	'G.711': (seconds) =>
		recorded(seconds, 8000, '-c:v libx264 -g 4 -keyint_min 4 -sc_threshold 0 -bf 0 -c:a pcm_mulaw'),
};

for (const [title, args] of Object.entries(longSources)) {
	withFfmpeg(`joined clips of ${title} hold every frame once, and decode without a warning`, async (t) => {
		const { server, url } = await startServer(t, { now: () => START_MS + 3_600_000 });
		// More than 200 fragments, and a gap within the second clip.
		const recordings = await Promise.all([103, 4].map((seconds) => makeRecording(args(seconds))));
		for (const [index, recording] of recordings.entries()) {
			const start = new Date(START_MS + index * 600_000);
			await server.archive.ingest('door', recording, { start });
		}
		const file = join(await temporaryDirectory(t), 'x.mp4');
		const archive = openArchive(t, url);
		const { parts, isComplete, durationMs } = await archive.clip(HOUR).saveTo(file);
		t.deepEqual([parts.length, isComplete], [2, true]);
		t.true(Math.abs(durationMs - 107_000) < 300, String(durationMs));
		const { code, stderr } = await decodeAll(file);
		t.deepEqual([code, stderr], [0, '']);
		const sources = await Promise.all(recordings.map((recording) => frameHashes(recording)));
		const clip = await frameHashes(file);
		t.deepEqual(
			clip.video,
			sources.flatMap(({ video }) => video),
		);
		t.deepEqual(
			clip.audio,
			sources.flatMap(({ audio }) => audio),
		);
		const { packets } = await probe(file);
		const video = packets
			.filter(({ type }) => type === 'video')
			.map(({ ptsSeconds }) => ptsSeconds)
			.toSorted((a, b) => a - b);
		const steps = video.slice(1).map((pts, index) => pts - (video[index] as number));
		t.true(
			steps.every((step) => step > 0.124 && step < 0.2),
			String(Math.max(...steps)),
		);
	});
}
