import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sample, testWith, withFfmpeg } from '../../helpers/needs.js';
import { type Json, startServer } from '../../helpers/service/start-server.js';
import { temporaryDirectory } from '../../helpers/tools.js';
import { START, startMs } from './ingested.js';
import { listAll, mediaOf, type ReadFrame, readFrames } from './stored-frames.js';

const sha256 = (parts: Buffer[]) =>
	parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

testWith('vogels_480.mkv', 'clusters.mkv')('a file with video and audio survives whole', async (t) => {
	const path = sample('vogels_480.mkv');
	const started = await startServer(t);
	const summary = await started.server.archive.ingest('vogels', path, { start: startMs });
	t.like(summary, {
		frames: 909 + 1425,
		firstProducerTimestamp: START,
		firstServerTimestamp: new Date(startMs + 1000),
	});
	const source = readFrames(await readFile(path));
	const fragments = await listAll(started, 'vogels');
	const frames = readFrames(await mediaOf(started, 'vogels', fragments));
	t.deepEqual(
		[1, 2].map((track) => frames.filter((frame) => frame.track === track).length).sort((a, b) => a - b),
		[909, 1425],
	);
	t.is(
		sha256(frames.map(({ data }) => data)),
		'c3ebfc5bb947e1b4f8aa81243483cb0f73bf5a1a9b7269f88442d2828bcddbdd',
	);
	t.deepEqual(
		frames.map(({ keyframe }) => keyframe),
		source.map(({ keyframe }) => keyframe),
	);
	t.true(fragments.every(({ FragmentLengthInMilliseconds }) => FragmentLengthInMilliseconds <= 20_000));

	const producer = await started.server.archive.ingest('producer', sample('clusters.mkv'), {
		start: START,
	});
	t.like(producer, { fragments: 8, frames: 444 });
});

const run = promisify(execFile);

withFfmpeg('MP4, WebM and audio alone keep every packet', async (t) => {
	const directory = await temporaryDirectory(t);
	const started = await startServer(t);
	const video = ['-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=25:duration=4'];
	const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=4:sample_rate=48000'];
	const films: [string, string[], number][] = [
		['film.mp4', [...video, ...tone, '-c:v', 'libx264', '-g', '25', '-bf', '2', '-c:a', 'aac'], 4],
		[
			'fast.mp4',
			[...video, ...tone, '-c:v', 'libx264', '-g', '50', '-c:a', 'aac', '-movflags', '+faststart'],
			2,
		],
		['film.mov', [...video, '-c:v', 'libx264', '-g', '25', '-bf', '0'], 4],
		['film.webm', [...video, ...tone, '-c:v', 'libvpx', '-g', '25', '-c:a', 'libopus'], 4],
		['audio.mp4', [...tone, '-c:a', 'aac'], 2],
	];
	for (const [name, options, fragments] of films) {
		const file = join(directory, name);
		await run('ffmpeg', ['-v', 'error', ...options, file]);
		const { stdout } = await run('ffprobe', [
			'-v',
			'error',
			'-show_entries',
			'packet=pts_time,size,stream_index',
			'-of',
			'json',
			file,
		]);
		const packets: Json[] = JSON.parse(stdout).packets;
		const stream = name.replace('.', '-');
		const summary = await started.server.archive.ingest(stream, file, { start: START });
		t.is(summary.frames, packets.length, name);
		t.true(
			summary.fragments >= fragments && summary.fragments <= fragments + 1,
			`${name}: ${summary.fragments}`,
		);
		const frames = readFrames(await mediaOf(started, stream, await listAll(started, stream)));
		for (const index of new Set(packets.map((packet) => packet.stream_index))) {
			const theirs = packets.filter((packet) => packet.stream_index === index);
			const ours = frames.filter((frame) => frame.track === index + 1);
			t.deepEqual(
				ours.map(({ data }) => data.byteLength),
				theirs.map(({ size }) => Number(size)),
				name,
			);
			// Only differences count: the file's first frame is what START names.
			const [first] = ours;
			for (const [at, packet] of theirs.entries()) {
				const expectedMs = (Number(packet.pts_time) - Number(theirs[0].pts_time)) * 1000;
				const gotMs = (ours[at] as ReadFrame).timeMs - (first as ReadFrame).timeMs;
				t.true(Math.abs(gotMs - expectedMs) <= 1.001, `${name} ${index} ${at}: ${gotMs} for ${expectedMs}`);
			}
		}
	}
	await run('ffmpeg', ['-v', 'error', ...video, '-c:v', 'mpeg4', join(directory, 'old.mp4')]);
	const error = await t.throwsAsync(started.server.archive.ingest('old', join(directory, 'old.mp4')));
	t.regex(error?.message ?? '', /^cannot ingest `.*old\.mp4`: [^\n]+$/);
});
