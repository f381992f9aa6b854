import { once } from 'node:events';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Fragment, type Frame, KvsArchive } from '../../index.js';
import { packageFile } from '../../package-file.js';
import { type ArchiveServer, createArchiveServer } from '../../server/index.js';
import { counted } from '../../wording/counted.js';
import { colors, type Line } from '../colors.js';
import type { CommandContext } from '../command-context.js';
import { trackText } from '../event-lines.js';
import { stopServer } from '../stop-server.js';
import { summaryLines } from './export.js';

/** Options of `demo`. */
export interface DemoOptions {
	readonly output: string;
}

const CLIP = fileURLToPath(packageFile('examples/media/clock.mkv'));
const STREAM = 'front-door';
const START = new Date('2026-01-31T14:03:00Z');
const RANGE = {
	from: new Date('2026-01-31T14:03:04Z'),
	to: new Date('2026-01-31T14:03:10Z'),
	by: 'producer',
};

/** The main job in one go: a local archive, a clip in it, a time range out of it as one playable file. */
export async function demo(options: DemoOptions, context: CommandContext): Promise<number> {
	const { terminal, signal } = context;
	const say = (line: Line = ''): Promise<void> => terminal.write([line]);
	const server = createArchiveServer();
	try {
		await say(
			colors.bold(
				'1. A local archive starts, with a clip of 16 s in it: video and audio, one fragment a key frame.',
			),
		);
		await server.archive.ingest(STREAM, CLIP, { start: START, signal });
		const endpoint = await listen(server);
		await say(
			`   ${endpoint} serves the stream \`${STREAM}\` with the wire protocol of Kinesis Video Streams.`,
		);
		await say();
		await using archive = new KvsArchive({ streamName: STREAM, endpoint });
		await showFragments(archive, context);
		await showKeyFrames(archive, context);
		await say(
			colors.bold(`4. The same range as one file: one header, the producer's times, audio and video.`),
		);
		const summary = await archive.export(RANGE, options.output, { signal, manifest: false });
		for (const line of summaryLines(summary)) await say(`   ${line}`);
		const { file } = summary;
		await say();
		await say(colors.bold(`Look at it: open ${relative('.', file)} in a browser or any player.`));
		await say('Try more:');
		await say(`   npx kvs-archive inspect ${relative('.', CLIP)}`);
		await say(`   npx kvs-archive serve --ingest door=${relative('.', CLIP)}@${START.toISOString()}`);
		await say(
			`   npx kvs-archive list --stream door --from ${START.toISOString()} --endpoint http://127.0.0.1:4580`,
		);
		await say(
			`   npx kvs-archive hls --stream door --by producer --from ${RANGE.from.toISOString()} --to ${RANGE.to.toISOString()} --endpoint http://127.0.0.1:4580`,
		);
		return 0;
	} finally {
		await stopServer(server);
	}
}

async function listen(server: ArchiveServer): Promise<string> {
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return server.endpoint;
}

async function showFragments(archive: KvsArchive, { terminal, signal }: CommandContext): Promise<void> {
	const all: typeof RANGE = { from: START, to: new Date(START.getTime() + 60_000), by: 'producer' };
	await terminal.write([
		colors.bold(
			'2. What is stored, in order, though the service lists it in no order (# is in the range we want):',
		),
	]);
	for await (const fragment of archive.fragments(all, { signal }) as AsyncIterable<Fragment>) {
		const { producerTimestamp, fragmentNumber, fragmentLengthInMilliseconds, fragmentSizeInBytes } = fragment;
		const isWanted = producerTimestamp >= RANGE.from && producerTimestamp <= RANGE.to;
		const bar = (isWanted ? '#' : '.').repeat(Math.round(fragmentSizeInBytes / 1500));
		const number = `${fragmentNumber.slice(0, 4)}…${fragmentNumber.slice(-6)}`;
		const line = `   ${timeOfDay(producerTimestamp)}  ${number}  ${fragmentLengthInMilliseconds} ms  ${String(fragmentSizeInBytes).padStart(6)} bytes  ${bar}`;
		await terminal.write([isWanted ? line : colors.dim(line)]);
	}
	await terminal.write(['']);
}

async function showKeyFrames(archive: KvsArchive, { terminal, signal }: CommandContext): Promise<void> {
	await terminal.write([
		colors.bold('3. Frames with exact times: the key frames of the video in the range:'),
	]);
	for await (const frame of archive.frames(RANGE, { select: 'keyframes', signal }) as AsyncIterable<Frame>) {
		if (frame.track.type !== 'video' || frame.timestamp === null) continue;
		await terminal.write([
			`   ${timeOfDay(frame.timestamp)}  ${trackText(frame.track)}  ${counted(frame.data.byteLength, 'byte')}`,
		]);
	}
	await terminal.write(['']);
}

function timeOfDay(date: Date): string {
	return date.toISOString().slice(11, 23);
}
