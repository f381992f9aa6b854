import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type ExportOptions, KvsArchive, readManifest, type TimeRange, verifyExport } from 'kvs-archive';
import { element, float, master, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { startArchive, type TestArchive } from '../helpers/archive.js';
import { decodeAll } from '../helpers/decoding.js';
import { matroskaFrames } from '../helpers/matroska-frames.js';
import { sample, testWith, withFfmpeg } from '../helpers/needs.js';
import { openArchive } from '../helpers/open-archive.js';
import {
	audioTrack,
	fragmentDocument,
	fragmentNumber,
	frameBlock,
	recording,
	trackEntry,
	videoTrack,
} from '../helpers/payload.js';
import { between, startMs } from '../helpers/range.js';
import { run, temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';

const range = between(0, 800_000);

/** How many fragments were asked for so far. */
function asked({ requests }: TestArchive): number {
	return requests.reduce((sum, { fragmentsAsked }) => sum + fragmentsAsked, 0);
}

/** Exports the range and aborts it when some fragments are written. */
async function stopHalfWay(t: ExecutionContext, archive: KvsArchive, file: string): Promise<void> {
	const controller = new AbortController();
	const reason = new Error('enough');
	const { signal } = controller;
	const stopped = archive.export(range, file, { signal, maxBufferedBytes: 20_000 });
	const journal = join(dirname(file), `.${basename(file)}.journal.part`);
	let lines = 0;
	await until(
		async () => {
			lines = (await readFile(journal, 'utf8').catch(() => '')).split('\n').length;
			return lines >= 20;
		},
		() => `${lines} lines of ${journal}`,
	);
	controller.abort(reason);
	t.is(await t.throwsAsync(stopped), reason);
}

test('an export that was stopped goes on, and asks only for what is missing', async (t) => {
	const served = await startArchive(t, { door: recording(300) });
	const directory = await temporaryDirectory(t);
	const whole = join(directory, 'whole.mkv');
	await openArchive(t, served.endpoint).export(range, whole);
	const file = join(directory, 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	await stopHalfWay(t, archive, file);
	t.deepEqual(
		(await readdir(directory)).filter((name) => name.startsWith('.')),
		['.x-001.mkv.part', '.x.mkv.journal.part'],
	);
	const before = asked(served);
	const summary = await archive.export(range, file);
	t.true(summary.resumed > 15 && summary.resumed < 300, `${summary.resumed}`);
	t.is(asked(served) - before, 300 - summary.resumed);
	t.like(summary, { fragments: 300, delivered: 300, frames: 600, bytes: 6000, verified: false });
	t.deepEqual(await readFile(file), await readFile(whole));
	const { request: _, ...manifest } = (await readManifest(file)) ?? { request: null };
	const { request: __, ...expected } = (await readManifest(whole)) ?? { request: null };
	const text = JSON.stringify(expected).replaceAll('whole.mkv', 'x.mkv');
	t.is(JSON.stringify(manifest), text);
});

test('another call begins anew, and tells what it threw away', async (t) => {
	const served = await startArchive(t, { door: recording(200) });
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	await stopHalfWay(t, archive, file);
	const { resumed, discarded, delivered } = await archive.export(range, file, { gaps: 'close' });
	t.true(discarded > 15 && discarded <= 200, `${discarded}`);
	t.deepEqual([resumed, delivered], [0, 200]);
	t.deepEqual((await readdir(dirname(file))).sort(), ['x.mkv', 'x.mkv.json']);
});

test('what is added to the archive in front of what is written begins the export anew', async (t) => {
	const served = await startArchive(t, { door: recording(200, { stepMs: 4000 }) });
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	await stopHalfWay(t, archive, file);
	const late = join(directory, 'late.mkv');
	await writeFile(late, fragmentDocument({ number: fragmentNumber(900), producerMs: startMs + 2000 }));
	await served.server.archive.ingest('door', late);
	const summary = await archive.export(range, file);
	t.like(summary, { fragments: 201, delivered: 201, resumed: 0 });
	t.true(summary.discarded > 15, `${summary.discarded}`);
	await archive.export(range, join(directory, 'y.mkv'));
	t.deepEqual(await readFile(file), await readFile(join(directory, 'y.mkv')));
});

test('a finished export is left as it is, unless the range has grown', async (t) => {
	const served = await startArchive(t, { door: recording(5) });
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	const ingest = async (name: string, number: number, producerMs: number): Promise<void> => {
		const more = join(directory, name);
		await writeFile(more, fragmentDocument({ number: fragmentNumber(number), producerMs }));
		await served.server.archive.ingest('door', more);
	};
	for (const [index, by] of (['producer', 'server'] as const).entries()) {
		// Of a range that ended long ago, and of one that is open.
		for (const [turn, to] of [startMs + 800_000, Date.now() + 3_600_000].entries()) {
			const count = 5 + 2 * index + turn;
			const asked_ = { from: new Date(startMs), to: new Date(to), by };
			t.like(await archive.export(asked_, file), { fragments: count, verified: false });
			const before = asked(served);
			t.like(await archive.export(asked_, file), { fragments: count, verified: true, calls: 0 });
			t.is(asked(served), before);
			await ingest(`${count}.mkv`, 900 + count, startMs + 60_000 + 2000 * count);
			t.like(await archive.export(asked_, file), { fragments: count + 1, verified: false });
		}
	}
});

test('of what was ingested twice, only the newest makes a finished export grow', async (t) => {
	const served = await startArchive(t, {
		door: Buffer.concat([recording(3), recording(3, { firstNumber: 11 })]),
	});
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	const options = { duplicates: 'keep-newest' } as const;
	t.like(await archive.export(range, file, options), { fragments: 3, verified: false });
	t.like(await archive.export(range, file, options), { fragments: 3, verified: true });
	const again = join(directory, 'again.mkv');
	await writeFile(again, fragmentDocument({ number: fragmentNumber(21), producerMs: startMs + 2000 }));
	await served.server.archive.ingest('door', again);
	t.like(await archive.export(range, file, options), { fragments: 3, verified: false });
});

test('a summary names files that exist, of one file and of several', async (t) => {
	const served = await startArchive(t, { door: recording(10) });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	for (const options of [{}, { split: { everyMs: 4000 } }, { manifest: false }] as ExportOptions[]) {
		for (const verified of [false, options.manifest !== false]) {
			const asked_ = join(directory, `x${Object.keys(options).join()}.mkv`);
			const summary = await archive.export(range, asked_, options);
			t.is(summary.verified, verified);
			t.is(summary.files[0]?.file, summary.file);
			t.is(summary.files.length > 1, 'split' in options);
			for (const { file: path, bytes } of summary.files) t.is((await stat(path)).size, bytes);
			t.is(summary.manifest, options.manifest === false ? null : `${asked_}.json`);
			if (summary.manifest !== null) t.true((await stat(summary.manifest)).isFile());
		}
	}
});

test('files are cut by length, size and gap, and nothing is lost at a cut', async (t) => {
	const media = Buffer.concat([
		recording(30),
		recording(10, { startMs: startMs + 300_000, firstNumber: 31 }),
	]);
	const served = await startArchive(t, { door: media });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	const cuts = async (name: string, split: ExportOptions['split']): Promise<(string | undefined)[]> => {
		const { files, frames } = await archive.export(range, join(directory, name), { split });
		t.is(frames, 80);
		t.is(
			files.reduce((sum, file) => sum + file.frames, 0),
			80,
		);
		t.deepEqual(
			files.map(({ file }) => file),
			files.map((_, index) => join(directory, name.replace('.', `-${String(index + 1).padStart(3, '0')}.`))),
		);
		const manifest = await readManifest(join(directory, name));
		t.deepEqual((await verifyExport(join(directory, name), manifest as never)).damage, []);
		for (const rule of [split].flat()) {
			if (typeof rule !== 'object') continue;
			for (const { bytes, durationMs } of files) {
				if ('maxBytes' in rule) t.true(bytes <= rule.maxBytes, `${bytes}`);
				if ('everyMs' in rule) t.true(durationMs <= rule.everyMs + 1000, `${durationMs}`);
			}
		}
		return files.map(({ cut }) => cut?.reason);
	};
	t.deepEqual(await cuts('gap.mkv', 'gap'), [undefined, 'gap']);
	const time = Array.from({ length: 3 }, () => 'duration');
	t.deepEqual(await cuts('time.mkv', { everyMs: 20_000 }), [undefined, ...time]);
	t.deepEqual(new Set((await cuts('size.mkv', { maxBytes: 2500 })).slice(1)), new Set(['size']));
	const both = await cuts('both.mkv', ['gap', { everyMs: 40_000 }]);
	t.deepEqual(both, [undefined, 'duration', 'gap']);
});

test('pictures that are shown before the key frame they come behind close what looks like a gap', async (t) => {
	const shown = [
		[0, 40, 80, 120, 160, 200],
		// The key frame follows the last picture by 280 ms, and is followed by those in between: an open group.
		[480, 240, 280, 320, 360, 400, 440, 520, 560],
	];
	const media = shown.map((times, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + (times[0] as number),
			blocks: times.map((ms, frame) =>
				frameBlock(frame, { keyframe: frame === 0, relativeTicks: ms - (times[0] as number) }),
			),
		}),
	);
	const served = await startArchive(t, { door: Buffer.concat(media) });
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const { files, gaps, merged } = await openArchive(t, served.endpoint).export(range, file, { split: 'gap' });
	t.deepEqual(
		files.map(({ durationMs }) => durationMs),
		[600],
	);
	t.deepEqual([gaps, merged.gap], [0, 0]);
});

test('where only the pictures paused, closing the gap leaves the sound as it was', async (t) => {
	const sound = (times: readonly number[]) =>
		times.map((relativeTicks) => frameBlock(0, { keyframe: true, trackNumber: 2, relativeTicks }));
	const tenths = (from: number, to: number) =>
		Array.from({ length: (to - from) / 100 }, (_, index) => from + 100 * index);
	const media = [
		[0, tenths(0, 1000)],
		// What was heard while nothing was seen comes with the next picture.
		[9000, tenths(-8000, 1000)],
	] as const;
	const documents = media.map(([ms, times], index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + ms,
			tracks: [videoTrack, audioTrack],
			blocks: [frameBlock(0, { keyframe: true }), frameBlock(1, { relativeTicks: 500 }), ...sound(times)],
		}),
	);
	const served = await startArchive(t, { door: Buffer.concat(documents) });
	const file = join(await temporaryDirectory(t), 'x.mkv');
	await openArchive(t, served.endpoint).export(range, file, { gaps: 'close' });
	const heard: number[] = [];
	for (const { track, timecodeNs } of await matroskaFrames(file)) {
		if (track.number === 2) heard.push(Number(timecodeNs / 1_000_000n));
	}
	t.deepEqual(heard, tenths(0, 10_000));
});

test('time that is left out does not count where files are cut by length', async (t) => {
	const hour = 3_600_000;
	const media = [0, hour, 2 * hour].map((offset, index) =>
		recording(5, { startMs: startMs + offset, firstNumber: 1 + 5 * index }),
	);
	const served = await startArchive(t, { door: Buffer.concat(media) });
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const day = { ...range, to: new Date(startMs + 24 * hour) };
	const options = { gaps: 'close', split: { everyMs: 20_500 } } as const;
	const { files } = await openArchive(t, served.endpoint).export(day, file, options);
	t.deepEqual(
		files.map(({ durationMs }) => durationMs),
		[20_000, 10_000],
	);
});

test('a pause that is longer than a classic MP4 can tell begins a new file', async (t) => {
	const hour = 3_600_000;
	const avc = trackEntry(1, 'video', 'V_MPEG4/ISO/AVC', [
		master('Video', [unsigned('PixelWidth', 320), unsigned('PixelHeight', 240)]),
		element('CodecPrivate', [Buffer.from('0142c01effe1000867640028acd940f001000468ebe3cb', 'hex')]),
	]);
	const at = [0, 12, 36].map((hours, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + hours * hour,
			tracks: [avc],
			blocks: [frameBlock(0, { keyframe: true }), frameBlock(1)],
		}),
	);
	const served = await startArchive(t, { door: Buffer.concat(at) });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	const days = { ...range, to: new Date(startMs + 48 * hour) };
	const kept = await archive.export(days, join(directory, 'x.mp4'), { faststart: true });
	t.deepEqual(
		kept.files.map(({ file, cut }) => [basename(file), cut?.reason]),
		[
			['x-001.mp4', undefined],
			['x-002.mp4', 'gap'],
		],
	);
	t.regex(kept.files[1]?.cut?.detail ?? '', /^track 1 has nothing for 24\.0 hours/);
	for (const [name, options] of [
		['fragmented.mp4', {}],
		['closed.mp4', { faststart: true, gaps: 'close' }],
	] as [string, ExportOptions][]) {
		const { files } = await archive.export(days, join(directory, name), options);
		t.is(files.length, 1, name);
	}
});

for (const [name, codecId, codecPrivate, data, frameMs] of [
	['AAC at 8 kHz', 'A_AAC', '1588', '00c800802380', 128],
	['Opus of 60 ms', 'A_OPUS', '', '18ffffff', 60],
	['Opus of six frames of 20 ms', 'A_OPUS', '', '7b06fffffe', 120],
] as const) {
	test(`silence fills what is missing, and nothing else: ${name}`, async (t) => {
		const sound = trackEntry(1, 'audio', codecId, [
			master('Audio', [
				float('SamplingFrequency', codecId === 'A_AAC' ? 8000 : 48_000),
				unsigned('Channels', 1),
			]),
			element('CodecPrivate', [Buffer.from(codecPrivate, 'hex')]),
		]);
		const media = [0, 1, 3].map((place, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + place * 5 * frameMs,
				tracks: [sound],
				blocks: Array.from({ length: 5 }, (_, frame) => ({
					trackNumber: 1,
					relativeTicks: frame * frameMs,
					keyframe: true,
					data: Buffer.from(data, 'hex'),
				})),
			}),
		);
		const served = await startArchive(t, { door: Buffer.concat(media) });
		const file = join(await temporaryDirectory(t), 'x.mkv');
		await openArchive(t, served.endpoint).export(range, file, { gaps: 'fill' });
		const times = (await matroskaFrames(file)).map(({ timecodeNs }) => Number(timecodeNs / 1_000_000n));
		const silentMs = times.filter((ms) => ms > 9 * frameMs && ms < 15 * frameMs);
		t.deepEqual(
			times.filter((ms) => ms <= 9 * frameMs),
			Array.from({ length: 10 }, (_, frame) => frame * frameMs),
		);
		t.is(silentMs[0], 10 * frameMs);
		t.is(times.length - silentMs.length, 15);
	});
}

test('without a manifest, that of an earlier export goes, and what is none stays', async (t) => {
	const served = await startArchive(t, { door: recording(3) });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	await archive.export(range, join(directory, 'x.mkv'));
	await writeFile(join(directory, 'y.mkv.json'), '{"mine":true}');
	for (const name of ['x.mkv', 'y.mkv'])
		await archive.export(range, join(directory, name), { manifest: false });
	t.deepEqual((await readdir(directory)).sort(), ['x.mkv', 'y.mkv', 'y.mkv.json']);
});

test('two exports at a time into one file are one too many', async (t) => {
	const served = await startArchive(t, { door: recording(5) });
	const file = join(await temporaryDirectory(t), 'x.mkv');
	const archive = openArchive(t, served.endpoint);
	const outcomes = await Promise.allSettled([archive.export(range, file), archive.export(range, file)]);
	t.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
	const { reason } = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
	t.regex(reason.message, /cannot write .*x\.mkv`: process \d+ is writing it/);
	t.deepEqual((await verifyExport(file, (await readManifest(file)) as never)).damage, []);
});

test('what is not a file is found in place of one before anything is asked', async (t) => {
	const served = await startArchive(t, { door: recording(3) });
	const directory = await temporaryDirectory(t);
	await mkdir(join(directory, 'x.mkv'));
	await t.throwsAsync(openArchive(t, served.endpoint).export(range, join(directory, 'x.mkv')), {
		code: 'KVS_SINK_FAILED',
		message: /x\.mkv` is a directory, not a file$/,
	});
	t.is(asked(served), 0);
	t.deepEqual(await readdir(directory), ['x.mkv']);
	for (const name of ['y.mkv', 'z.mkv.json']) {
		t.is((await run('mkfifo', [join(directory, name)])).code, 0);
		const file = join(directory, name.replace('.json', ''));
		await t.throwsAsync(openArchive(t, served.endpoint).export(range, file), {
			code: 'KVS_SINK_FAILED',
			message: new RegExp(`${name}\` is a FIFO, not a file$`),
		});
	}
	t.is(asked(served), 0);
	t.deepEqual((await readdir(directory)).sort(), ['x.mkv', 'y.mkv', 'z.mkv.json']);
});

test('options that make no sense are refused before anything is asked', async (t) => {
	const archive = new KvsArchive({ streamName: 'door', endpoint: 'http://127.0.0.1:9' });
	const wrong: [string, ExportOptions, RegExp][] = [
		['x.avi', {}, /\.mkv/],
		['x.mp4', { gaps: 'stretch' as never }, /gaps/],
		['x.mp4', { channels: 'split' }, /channels/],
		['x.mkv', { faststart: true }, /faststart/],
		['x.mp4', { tracks: [0] }, /tracks/],
		['x.mp4', { tracks: [] }, /tracks/],
		['x.mp4', { split: { everyMs: 0 } }, /split/],
		['x.mp4', { split: 'often' as never }, /split/],
	];
	for (const [file, options, message] of wrong) {
		await t.throwsAsync(archive.export(range, file, options), { code: 'KVS_INVALID_OPTION', message });
	}
	await archive.close();
});

/** A track as Amazon Connect writes it: 16-bit PCM at 8 kHz that calls itself AAC. */
function connectTrack(number: number, name: string): Uint8Array[] {
	return trackEntry(number, 'audio', 'A_AAC', [string('Name', name)]);
}

/** A call of two sides: a second of 1s, 2s … on one, of 101s, 102s … on the other; between the third and the fourth nothing. */
function call({ isQuiet = false } = {}): Buffer {
	const tenth = (value: number): Buffer => Buffer.from(new Int16Array(800).fill(value).buffer);
	return Buffer.concat(
		[0, 1, 2, 5].map((offset, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + offset * 1000,
				tracks: [connectTrack(1, 'AUDIO_FROM_CUSTOMER'), connectTrack(2, 'AUDIO_TO_CUSTOMER')],
				blocks: Array.from({ length: 20 }, (_, block) => ({
					trackNumber: 1 + (block % 2),
					relativeTicks: Math.floor(block / 2) * 100,
					keyframe: true,
					data: tenth(index + 1 + (block % 2) * 100),
				})).filter(({ trackNumber }) => !isQuiet || index === 0 || trackNumber === 1),
			}),
		),
	);
}

/** The samples of a WAV file, a value for every second of each channel. */
async function seconds(file: string, channels: number): Promise<number[][]> {
	const bytes = await readFile(file);
	const start = bytes.indexOf('data') + 8;
	const format = bytes.indexOf('fmt ') + 8;
	if (bytes.readUInt16LE(format + 2) !== channels)
		throw new Error(`${bytes.readUInt16LE(format + 2)} channels`);
	const samples = new Int16Array(
		bytes.buffer.slice(
			bytes.byteOffset + start,
			bytes.byteOffset + bytes.byteLength - ((bytes.byteLength - start) % 2),
		),
	);
	return Array.from({ length: channels }, (_, channel) =>
		Array.from(
			{ length: samples.length / channels / 8000 },
			(_, at) => samples[(at * 8000 + 4000) * channels + channel] as number,
		),
	);
}

test('both sides of a call are the channels of one file, or a file each, aligned on time', async (t) => {
	const served = await startArchive(t, { door: call() });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	const stereo = await archive.export(range, join(directory, 'call.wav'));
	t.deepEqual(
		stereo.files.map(({ file }) => file),
		[join(directory, 'call.wav')],
	);
	const silent = [0, 0];
	t.deepEqual(await seconds(join(directory, 'call.wav'), 2), [
		[1, 2, 3, ...silent, 4],
		[101, 102, 103, ...silent, 104],
	]);
	await archive.export(range, join(directory, 'one.wav'), { tracks: ['AUDIO_TO_CUSTOMER'] });
	t.deepEqual(await seconds(join(directory, 'one.wav'), 1), [[101, 102, 103, ...silent, 104]]);
	await t.throwsAsync(archive.export(range, join(directory, 'none.wav'), { tracks: ['CUSTOMER'] }), {
		code: 'KVS_NO_SUCH_TRACK',
		message: /^cannot write `none\.wav`: .*`CUSTOMER`.* 1 \(audio, pcm-s16, AUDIO_FROM_CUSTOMER\) and 2 /,
	});
	const split = await archive.export(range, join(directory, 'side.wav'), { channels: 'split' });
	const names = ['side-AUDIO_FROM_CUSTOMER.wav', 'side-AUDIO_TO_CUSTOMER.wav'];
	t.deepEqual(
		split.files.map(({ file }) => basename(file)),
		names,
	);
	t.deepEqual(await seconds(join(directory, names[0] as string), 1), [[1, 2, 3, ...silent, 4]]);
	t.deepEqual(await seconds(join(directory, names[1] as string), 1), [[101, 102, 103, ...silent, 104]]);
	// One side falls silent after its first second.
	const quiet = call({ isQuiet: true });
	const other = await startArchive(t, { door: quiet });
	await openArchive(t, other.endpoint).export(range, join(directory, 'quiet.wav'), { channels: 'split' });
	t.deepEqual(await seconds(join(directory, 'quiet-AUDIO_FROM_CUSTOMER.wav'), 1), [[1, 2, 3, ...silent, 4]]);
	const ended = [101, 0, 0, ...silent, 0];
	t.deepEqual(await seconds(join(directory, 'quiet-AUDIO_TO_CUSTOMER.wav'), 1), [ended]);
	const manifest = await readManifest(join(directory, 'side.wav'));
	t.deepEqual((await verifyExport(join(directory, 'side.wav'), manifest as never)).damage, []);
	await archive.export(range, join(directory, 'close.wav'), { gaps: 'close' });
	t.deepEqual(await seconds(join(directory, 'close.wav'), 2), [
		[1, 2, 3, 4],
		[101, 102, 103, 104],
	]);
});

/** Times of a track's packets, in seconds. */
async function packetTimes(file: string, kind: 'v' | 'a'): Promise<number[]> {
	const args = [
		'-v',
		'error',
		'-select_streams',
		kind,
		'-show_entries',
		'packet=pts_time',
		'-of',
		'csv=p=0',
		file,
	];
	const { stdout } = await run('ffprobe', args);
	return stdout
		.trim()
		.split(/[,\n]+/)
		.filter((text) => text !== '')
		.map(Number)
		.sort((a, b) => a - b);
}

const clock = resolve('examples/media/clock.mkv');

for (const ending of ['mp4', 'mkv', 'mov'] as const) {
	withFfmpeg(
		`sound and picture stay together over gaps that are kept, closed and filled (.${ending})`,
		async (t) => {
			const served = await startArchive(t, { door: clock }, { start: new Date(startMs) });
			await served.server.archive.ingest('door', await copyOf(t, clock), {
				start: new Date(startMs + 60_000),
			});
			const archive = openArchive(t, served.endpoint);
			const directory = await temporaryDirectory(t);
			const source = await packetTimes(clock, 'v');
			const sourceSound = await packetTimes(clock, 'a');
			const first = Math.min(source[0] as number, sourceSound[0] as number);
			for (const gaps of ['keep', 'close', 'fill'] as const) {
				const file = join(directory, `${gaps}.${ending}`);
				const summary = await archive.export(range, file, { gaps });
				t.is(summary.gaps, 1, gaps);
				t.is(summary.merged.gap, 1);
				const { stderr } = await decodeAll(file);
				t.is(stderr, '', gaps);
				const picture = await packetTimes(file, 'v');
				const sound = await packetTimes(file, 'a');
				t.is(picture.length, 2 * source.length);
				// Where the second half begins: exactly as far from the first as it was recorded, or right behind it.
				const again = (picture[source.length] as number) - (picture[0] as number);
				const shift = gaps === 'close' ? again : 60;
				t.true(Math.abs(again - shift) < 0.002, `${again}`);
				if (gaps === 'close') t.true(again < 60 && again > (source.at(-1) as number), `${again}`);
				for (const [index, at] of source.entries()) {
					const [one, two] = [picture[index] as number, picture[source.length + index] as number];
					t.true(
						Math.abs(one - (at - first)) < 0.002,
						`${gaps}: picture ${index} at ${one}, not ${at - first}`,
					);
					t.true(Math.abs(two - (at - first + shift)) < 0.002, `${gaps}: picture ${index} again at ${two}`);
				}
				if (gaps === 'fill') {
					const steps = sound.slice(1).map((at, index) => at - (sound[index] as number));
					t.true(Math.max(...steps) < 0.08, `${Math.max(...steps)} s without sound`);
					continue;
				}
				t.is(sound.length, 2 * sourceSound.length);
				for (const [index, at] of sourceSound.entries()) {
					t.true(Math.abs((sound[index] as number) - (at - first)) < 0.002);
					t.true(Math.abs((sound[sourceSound.length + index] as number) - (at - first + shift)) < 0.002);
				}
			}
		},
	);
}

/** The same recording, but for some bytes of its header: a file goes into a stream once. */
async function copyOf(t: ExecutionContext, file: string): Promise<string> {
	const copy = join(await temporaryDirectory(t), 'again.mkv');
	const { stderr } = await run('ffmpeg', [
		'-v',
		'error',
		'-i',
		file,
		'-c',
		'copy',
		'-metadata',
		'title=again',
		copy,
	]);
	t.is(stderr, '');
	return copy;
}

const samples = [
	'clusters.mkv',
	'output_get_media.mkv',
	'output_get_media_sparse_fragments.mkv',
	'vogels_480.mkv',
];
for (const name of samples) {
	testWith(name, 'ffmpeg')(
		`${name} in every container decodes without a word, frame for frame`,
		async (t) => {
			const path = sample(name);
			const served = await startArchive(t, { door: path }, { start: new Date(startMs) });
			const archive = openArchive(t, served.endpoint);
			const directory = await temporaryDirectory(t);
			const ever = {
				from: new Date(Date.UTC(2010, 0, 1)),
				to: new Date(Date.UTC(2027, 0, 1)),
				by: 'producer',
			} as const;
			const md5: string[] = [];
			for (const [ending, options] of [
				['mkv', {}],
				['mp4', {}],
				['mov', {}],
				['mp4', { faststart: true }],
			] as [string, ExportOptions][]) {
				const file = join(directory, `${md5.length}.${ending}`);
				const { frames, files } = await archive.export(ever, file, options);
				let packets = 0;
				for (const { file: part } of files) {
					const decoded = await decodeAll(part, 'error');
					t.is(decoded.stderr, '', part);
					packets += (await packetTimes(part, 'v')).length;
					packets += (await packetTimes(part, 'a')).length;
				}
				t.is(packets, frames, ending);
				const args = [
					'-v',
					'error',
					'-i',
					files[0]?.file ?? '',
					'-map',
					'0:v',
					'-f',
					'md5',
					'-vsync',
					'0',
					'-',
				];
				md5.push((await run('ffmpeg', args)).stdout);
			}
			t.is(new Set(md5).size, 1, md5.join());
		},
	);
}

test('audio alone begins where the range does, and not at the key frame before', async (t) => {
	const tracks = [videoTrack, audioTrack];
	const blocks = Array.from({ length: 20 }, (_, index) => [
		{ trackNumber: 1, relativeTicks: index * 50, keyframe: index === 0, data: Buffer.alloc(8, 1) },
		{ trackNumber: 2, relativeTicks: index * 50, keyframe: true, data: Buffer.alloc(4, 2) },
	]).flat();
	const document = fragmentDocument({ number: fragmentNumber(1), producerMs: startMs, tracks, blocks });
	const served = await startArchive(t, { door: document });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	const rest: TimeRange = { from: startMs + 600, to: startMs + 10_000, by: 'producer' };
	const audio = await archive.export(rest, join(directory, 'audio.mkv'), { tracks: ['audio'] });
	t.is(audio.frames, 8);
	t.is((await archive.export(rest, join(directory, 'both.mkv'))).frames, 40);
});

const SPS_AND_PPS = '001b6764000cacd94150878888c044000003000400000300503c50a6580100 0668ebe3cb22c0'.replace(
	' ',
	'',
);

test('.m4a and .wav take the audio of a stream with video by themselves; damage that is written is said', async (t) => {
	const avcC = Buffer.from(`0164000cffe1${SPS_AND_PPS}`, 'hex');
	const tracks = [
		trackEntry(1, 'video', 'V_MPEG4/ISO/AVC', [element('CodecPrivate', [avcC])]),
		trackEntry(2, 'audio', 'A_PCM/INT/LIT', [
			master('Audio', [float('SamplingFrequency', 8000), unsigned('Channels', 1), unsigned('BitDepth', 16)]),
		]),
	];
	const whole = Buffer.from('0000000465888400', 'hex');
	const video = (relativeTicks: number, data: Buffer) => ({
		trackNumber: 1,
		relativeTicks,
		keyframe: true,
		data,
	});
	const audio = { trackNumber: 2, relativeTicks: 0, keyframe: true, data: Buffer.alloc(1600, 1) };
	const blocks = [video(0, whole), audio, video(40, whole.subarray(0, -1)), video(80, Buffer.alloc(0))];
	const document = { number: fragmentNumber(1), producerMs: startMs, tracks, blocks };
	const served = await startArchive(t, { door: fragmentDocument(document) });
	const directory = await temporaryDirectory(t);
	const archive = openArchive(t, served.endpoint);
	for (const name of ['x.m4a', 'x.wav']) {
		t.like(await archive.export(range, join(directory, name)), { frames: 1, bytes: 1600, notices: [] }, name);
	}
	const { frames, notices } = await archive.export(range, join(directory, 'x.mp4'));
	t.is(frames, 3);
	t.deepEqual(notices, [
		{
			fragmentNumber: fragmentNumber(1),
			message:
				'a frame of track 1 is damaged at 2026-01-31T00:00:00.040Z: its NAL units do not add up to its size',
		},
	]);
	const bare = [trackEntry(1, 'video', 'V_MPEG4/ISO/AVC')];
	const lacking = await startArchive(t, {
		door: fragmentDocument({ ...document, tracks: bare, blocks: [video(0, whole)] }),
	});
	for (const [name, message] of [
		['y.mp4', /it has no CodecPrivate, and its key frames hold no SPS and PPS/],
		['y.m4a', /track 1 is V_MPEG4\/ISO\/AVC, and \.m4a holds AAC/],
	] as const) {
		await t.throwsAsync(openArchive(t, lacking.endpoint).export(range, join(directory, name)), {
			code: 'KVS_CODEC_NOT_SUPPORTED',
			message,
		});
	}
});
